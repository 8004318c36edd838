import Models
import SCIM

/// A type of command: the keys to load and lock, and the decision.
///
/// To add a command, define its payload in `Models` (see `Command.Operation`), conform a type to this protocol, and register it in
/// ``ParsedCommand``. Nothing else in identity-store switches over the types of commands.
protocol DecidableCommand: Sendable {
  /// Adds the rows and names that the decision reads or writes.
  ///
  /// The workspace and the recorded reply are always loaded and need not be added.
  func addKeys(of command: Command, to writeSet: inout WriteSet)

  /// Decides the command, and applies its changes to the working set of `decider`.
  ///
  /// - Throws: The SCIM error with which the command is refused. Nothing is written then.
  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome

  /// The senders whose commands of this type are audited. Default: ``AuditScope/peopleAndTokens``.
  var auditScope: AuditScope { get }

  /// The target in the audit trail, for example `token … 'Okta'`. `nil`, the default: the workspace or the resource.
  func auditTarget(of command: Command, in decider: Decider) -> String?

  /// The operation without personal data, for the audit trail. `nil`, the default: it contains no personal data.
  var operationWithoutPersonalData: Command.Operation? { get }

  /// Whether all members of a group are loaded for the decision. Default: `false`.
  var loadsAllMembers: Bool { get }
}

extension DecidableCommand {
  var auditScope: AuditScope { .peopleAndTokens }
  var operationWithoutPersonalData: Command.Operation? { nil }
  var loadsAllMembers: Bool { false }
  func auditTarget(of command: Command, in decider: Decider) -> String? { nil }
}

/// A command that is refused with 404 if its workspace does not exist.
protocol WorkspaceBoundCommand: DecidableCommand {
  /// Whether it is also decided for a workspace that is suspended until its deletion. Default: `false`, which refuses it with 403.
  var worksDuringDeletion: Bool { get }

  /// - Throws: The SCIM error with which the command is refused. Nothing is written then.
  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome
}

extension WorkspaceBoundCommand {
  var worksDuringDeletion: Bool { false }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard let workspace = decider.state.workspaces[command.workspace] else { throw .workspaceNotFound(command.workspace) }
    if let deletion = workspace.settings.deletion, !worksDuringDeletion { throw .workspaceInDeletion(deletion) }
    return try decide(command, in: workspace, by: &decider)
  }
}

extension Command {
  /// Whether the sender validated the document with the present settings of `workspace`.
  func isValidated(for workspace: WorkspaceRecord) -> Bool { settingsVersion == workspace.version }
}

/// The senders whose commands the audit trail records.
enum AuditScope: Sendable {
  /// People only: the provisioning log has what identity providers write, and sign-ins are in the person's history.
  case people
  /// People and access tokens, but not the services of the suite.
  case peopleAndTokens
  /// All senders, including the services of the suite.
  case everyone
}

/// A command with its data parsed, before anything is loaded.
struct ParsedCommand: Sendable {
  /// The command as received.
  let command: Command
  /// The partition of its message.
  var partition: Int32?
  /// The parsed operation.
  let payload: any DecidableCommand

  /// Parses the data of a command. If the data is malformed, the decision refuses the command with the parse error.
  init(_ command: Command) {
    self.command = command
    do throws(SCIMError) {
      payload = try Self.payload(of: command.operation)
    } catch {
      payload = MalformedCommand(error: error)
    }
  }

  /// The registry of command types.
  private static func payload(of operation: Command.Operation) throws(SCIMError) -> any DecidableCommand {
    switch operation {
    case .createUser(let document): CreateUser(document: try JSON(body: document))
    case .replaceUser(let document): ReplaceUser(document: try JSON(body: document))
    case .patchUser(let patch): PatchUser(patch: try Patch(JSON(body: patch)))
    case .deleteUser: DeleteUser()
    case .eraseUser: EraseUser()
    case .deleteWorkspace(let deletion): deletion
    case .restoreWorkspace: RestoreWorkspace()
    case .promoteUser(let signIn): signIn
    case .createGroup(let document): CreateGroup(document: try JSON(body: document))
    case .replaceGroup(let document): ReplaceGroup(document: try JSON(body: document))
    case .patchGroup(let patch): PatchGroup(patch: try Patch(JSON(body: patch)))
    case .deleteGroup: DeleteGroup()
    // The operations of a bulk request are decided one by one. scim-api never nests bulk requests.
    case .bulk: throw .nestedBulk()
    case .createWorkspace(let settings): CreateWorkspace(settings: settings)
    case .updateWorkspace(let settings): UpdateWorkspace(settings: settings)
    case .orderInvitation(let order): order
    case .issueToken(let grant): grant
    case .revokeToken(let revocation): revocation
    case .decideHeldChange(let decision): decision
    case .restate(let restatement): restatement
    case .rebuild(let rebuild): rebuild
    case .rotateToken(let rotation): rotation
    case .rotateSecret(let rotation): rotation
    case .recordTokenUses(let uses): uses
    case .reportMail(let report): report
    case .changeMailDomain(let change): change
    case .stageAccounts(let part): part
    case .startAccountImport(let start): start
    case .applyAccounts(let chunk): chunk
    case .stageWorkspace(let part): try StageWorkspacePart(part)
    case .startWorkspaceImport(let start): start
    case .applyWorkspace(let part): try ApplyWorkspacePart(part)
    case .linkAccount(let link): link
    case .unlinkAccount(let unlink): unlink
    case .writeWebhook(let write): WriteWebhook(write: write)
    case .deleteWebhook(let id): DeleteWebhook(webhook: id)
    case .disableWebhook(let id, let reason): DisableWebhook(webhook: id, reason: reason)
    case .orderWebhook(let order): OrderWebhook(order: order)
    }
  }
}

/// A user or group command with malformed data, or a nested bulk request: always refused.
private struct MalformedCommand: WorkspaceBoundCommand {
  let error: SCIMError
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {}

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    throw error
  }
}

extension Command {
  /// The key of the user or group that the command is about.
  var key: ResourceKey { ResourceKey(workspace: workspace, id: resource) }
}

extension JSON {
  /// - Throws: `invalidSyntax` if `bytes` are not JSON.
  fileprivate init(body bytes: [UInt8]) throws(SCIMError) {
    do {
      self = try JSON(parsing: bytes)
    } catch {
      throw SCIMError(status: 400, scimType: .invalidSyntax, detail: "The body is not JSON: \(error)")
    }
  }
}
