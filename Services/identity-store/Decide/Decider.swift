import Foundation
import Models
import SCIM

/// Decides commands one after the other against a working set.
///
/// It is pure: it reads no clock and does no I/O. The time, the key for name hashes and the rules for webhooks are passed in.
struct Decider: Sendable {
  /// The loaded state, with the changes decided so far.
  var state: WorkingSet
  /// The events to publish, in order.
  private(set) var events: [DecidedEvent] = []
  /// The new replies to record, in order.
  private(set) var recorded: [RecordedReply] = []
  /// The entries for the audit trail, in order.
  private(set) var audited: [AuditRecord] = []

  /// The time of the batch, used for all its changes.
  let now: Date
  let nameHash: NameHash
  let webhookRules: WebhookRules
  /// The command being decided, for its events.
  private var current: ParsedCommand?

  /// An event to publish.
  struct DecidedEvent: Sendable, Equatable {
    var event: IdentityEvent
    /// The trace context of the command that caused it.
    var traceparent: String?
    /// The partition of that command.
    var partition: Int32?
  }

  /// A reply to record.
  struct RecordedReply: Sendable, Equatable {
    var workspace: WorkspaceID
    var reply: Reply
  }

  init(state: WorkingSet, now: Date, nameHash: NameHash, webhookRules: WebhookRules = WebhookRules()) {
    self.state = state
    self.now = now
    self.nameHash = nameHash
    self.webhookRules = webhookRules
  }

  /// Decides one command. A redelivered command gets its recorded reply and changes nothing.
  mutating func decide(_ parsed: ParsedCommand) -> Reply {
    if let reply = state.replies[parsed.command.id] { return reply }
    current = parsed
    let conditions = WorkspaceConditions(of: parsed.command.workspace, in: state)
    defer { if let conditions { publishAlerts(since: conditions, of: parsed.command) } }
    guard parsed.isAudited else { return record(outcome(of: parsed), of: parsed.command) }
    let before = AuditedState(of: parsed, in: state)
    let count = audited.count
    let reply = record(outcome(of: parsed), of: parsed.command)
    // One entry per command. Relinking has added a more detailed one itself.
    if audited.count == count { audit(auditRecord(of: parsed, reply.outcome, before: before)) }
    return reply
  }

  /// Records the reply to a command, and counts a write of a user or group as a push of the identity provider, even if it changed nothing.
  mutating func record(_ outcome: Reply.Outcome, of command: Command) -> Reply {
    let reply = Reply(command: command.id, outcome: outcome, requestDigest: command.requestDigest)
    state.record(reply)
    if case .resource(let stored, _) = outcome {
      state.recordPush(of: ResourceKey(workspace: command.workspace, id: stored.id))
    }
    recorded.append(RecordedReply(workspace: command.workspace, reply: reply))
    return reply
  }

  private mutating func publishAlerts(since before: WorkspaceConditions, of command: Command) {
    guard let present = WorkspaceConditions(of: command.workspace, in: state), present != before else { return }
    for alert in present.alerts(since: before, by: command, at: now) { publish(.workspaceAlert(alert)) }
  }

  mutating func audit(_ record: AuditRecord) {
    audited.append(record)
  }

  mutating func publish(_ event: IdentityEvent) {
    events.append(DecidedEvent(event: event, traceparent: current?.command.traceparent, partition: current?.partition))
  }

  private mutating func outcome(of parsed: ParsedCommand) -> Reply.Outcome {
    do throws(SCIMError) {
      if let deadline = parsed.command.deadline, deadline < now { throw .deadlineExceeded(deadline) }
      return try parsed.payload.decide(parsed.command, by: &self)
    } catch {
      return .refused(status: error.status, error: error.body())
    }
  }
}
