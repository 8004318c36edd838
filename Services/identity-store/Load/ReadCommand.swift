import Models
import SCIM

/// A command whose data has been parsed once, before anything is loaded.
struct ReadCommand: Sendable {
  let command: Command
  let payload: Payload

  enum Payload: Sendable {
    case createUser(JSON)
    case replaceUser(JSON)
    case patchUser(Patch)
    case deleteUser
    case promoteUser(SignIn)
    case createGroup(JSON)
    case replaceGroup(JSON)
    case patchGroup(Patch)
    case deleteGroup
    case createWorkspace(WorkspaceSettings)
    case updateWorkspace(WorkspaceSettings)
    case orderInvitation(InvitationOrder)
    case issueToken(TokenGrant)
    case revokeToken(TokenRevocation)
    case decideHeldChange(HeldChangeDecision)
    case restate(Restatement)
    case rebuild(Rebuild)
    case rotateToken(TokenRotation)
    case rotateSecret(SecretRotation)
    case recordTokenUses(TokenUses)
    case reportMail(MailEvent)
    /// The data is no document of its kind; the edge would have refused it.
    case malformed(SCIMError)
  }

  var key: ResourceKey { ResourceKey(workspace: command.workspace, id: command.resource) }

  init(_ command: Command) {
    self.command = command
    self.payload = Self.payload(of: command.operation)
  }

  private static func payload(of operation: Command.Operation) -> Payload {
    do {
      return switch operation {
      case .createUser(let document): .createUser(try json(document))
      case .replaceUser(let document): .replaceUser(try json(document))
      case .patchUser(let patch): .patchUser(try Patch(json(patch)))
      case .deleteUser: .deleteUser
      case .promoteUser(let signIn): .promoteUser(signIn)
      case .createGroup(let document): .createGroup(try json(document))
      case .replaceGroup(let document): .replaceGroup(try json(document))
      case .patchGroup(let patch): .patchGroup(try Patch(json(patch)))
      case .deleteGroup: .deleteGroup
      // It is carried out operation by operation; one within another is nothing that the edge sends.
      case .bulk: .malformed(APIError.bulkOperation())
      case .createWorkspace(let settings): .createWorkspace(settings)
      case .updateWorkspace(let settings): .updateWorkspace(settings)
      case .orderInvitation(let order): .orderInvitation(order)
      case .issueToken(let grant): .issueToken(grant)
      case .revokeToken(let revocation): .revokeToken(revocation)
      case .decideHeldChange(let decision): .decideHeldChange(decision)
      case .restate(let restatement): .restate(restatement)
      case .rebuild(let rebuild): .rebuild(rebuild)
      case .rotateToken(let rotation): .rotateToken(rotation)
      case .rotateSecret(let rotation): .rotateSecret(rotation)
      case .recordTokenUses(let uses): .recordTokenUses(uses)
      case .reportMail(let report): .reportMail(report)
      }
    } catch let error {
      return .malformed(error)
    }
  }

  private static func json(_ bytes: [UInt8]) throws(SCIMError) -> JSON {
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw SCIMError(status: 400, scimType: .invalidSyntax, detail: "The body is not JSON: \(error)")
    }
  }
}
