import Foundation
import Models
import SCIM

/// Decides commands one after the other against a working set: pure, with time and the tombstones' key passed in.
struct Decider: Sendable {
  var state: WorkingSet
  /// What is to be published, in order.
  private(set) var events: [DecidedEvent] = []
  /// What is to be recorded, in order; a command that had been answered before is not among them.
  private(set) var recorded: [RecordedReply] = []

  /// What the audit trail gets, in order.
  private(set) var audited: [AuditRecord] = []

  let now: Date
  let nameHash: NameHash
  /// Of the command being decided; goes on to its events.
  private var traceparent: String?

  struct DecidedEvent: Sendable, Equatable {
    var event: IdentityEvent
    var traceparent: String?
  }

  struct RecordedReply: Sendable, Equatable {
    var workspace: WorkspaceID
    var reply: Reply
  }

  init(state: WorkingSet, now: Date, nameHash: NameHash) {
    self.state = state
    self.now = now
    self.nameHash = nameHash
  }

  /// The reply to `read`. A command that was answered before is answered the same, and changes nothing.
  mutating func decide(_ read: ReadCommand) -> Reply {
    if let reply = state.replies[read.command.id] { return reply }
    traceparent = read.command.traceparent
    return decideAudited(read) { decider in decider.record(decider.outcome(of: read), of: read) }
  }

  mutating func record(_ outcome: Reply.Outcome, of read: ReadCommand) -> Reply {
    let reply = Reply(command: read.command.id, outcome: outcome)
    state.record(reply)
    notePush(outcome, of: read)
    recorded.append(RecordedReply(workspace: read.command.workspace, reply: reply))
    return reply
  }

  /// An identity provider has written a user or group: which day that was is kept, also where nothing was changed.
  private mutating func notePush(_ outcome: Reply.Outcome, of read: ReadCommand) {
    guard case .resource(let stored, _) = outcome else { return }
    switch read.payload {
    case .createUser, .replaceUser, .patchUser, .createGroup, .replaceGroup, .patchGroup:
      state.notePush(of: ResourceKey(workspace: read.command.workspace, id: stored.id))
    default: return
    }
  }

  mutating func audit(_ record: AuditRecord) {
    audited.append(record)
  }

  mutating func publish(_ event: IdentityEvent) {
    events.append(DecidedEvent(event: event, traceparent: traceparent))
  }

  private mutating func outcome(of read: ReadCommand) -> Reply.Outcome {
    do throws(SCIMError) {
      if let deadline = read.command.deadline, deadline < now { throw APIError.deadlinePassed(deadline) }
      if case .createWorkspace(let settings) = read.payload { return try createWorkspace(read, settings) }
      if case .rebuild(let rebuild) = read.payload { return request(rebuild, by: read.command) }
      guard let workspace = state.workspaces[read.command.workspace] else {
        throw SCIMError(
          status: 404, scimType: nil, detail: "There is no workspace \(read.command.workspace); see 'scimctl workspace list'.")
      }
      switch read.payload {
      case .createUser(let json): return try createUser(read, json, in: workspace)
      case .replaceUser(let json): return try replaceUser(read, json, in: workspace)
      case .patchUser(let patch): return try patchUser(read, patch, in: workspace)
      case .deleteUser: return try deleteUser(read, in: workspace)
      case .promoteUser(let signIn): return promoteUser(signIn)
      case .createGroup(let json): return try createGroup(read, json, in: workspace)
      case .replaceGroup(let json): return try replaceGroup(read, json, in: workspace)
      case .patchGroup(let patch): return try patchGroup(read, patch, in: workspace)
      case .deleteGroup: return try deleteGroup(read, in: workspace)
      case .createWorkspace(let settings): return try createWorkspace(read, settings)
      case .updateWorkspace(let settings): return try updateWorkspace(read, workspace, settings)
      case .orderInvitation(let order): return try orderInvitation(read, order)
      case .issueToken(let grant): return try issueToken(read, grant)
      case .revokeToken(let revocation): return try revokeToken(read, revocation)
      case .decideHeldChange(let decision): return try decideHeldChange(read, decision)
      case .restate(let restatement): return try restate(restatement, in: workspace)
      case .rebuild(let rebuild): return request(rebuild, by: read.command)
      case .rotateToken(let rotation): return try rotateToken(read, rotation)
      case .rotateSecret(let rotation): return try rotateSecret(read, rotation)
      case .recordTokenUses(let uses): return recordTokenUses(read, uses)
      // It is for the audit trail alone.
      case .reportMail: return .done
      case .malformed(let error): throw error
      }
    } catch {
      return .refused(status: error.status, error: error.body())
    }
  }
}
