import Foundation
import Models

/// That a person signed in, and what names the event that said so.
struct ReceivedSignIn: Sendable, Hashable {
  let signIn: SignIn
  /// Together with ``source`` unique (CloudEvents §3.1.1).
  let eventID: String
  let source: String
  let time: Date
  let traceparent: String?

  init(_ signIn: SignIn, of event: CloudEvent) {
    self.signIn = signIn
    eventID = event.id
    source = event.source
    time = event.time
    traceparent = event.traceparent
  }

  /// The command that this sign-in amounts to: the same one, however often the event is delivered.
  var promotion: Command {
    Command(
      id: .derived("promotion", source, eventID), workspace: signIn.workspace, resource: resource,
      actor: .service("invitation-mailer"), issuedAt: time, traceparent: traceparent, operation: .promoteUser(signIn))
  }

  private var resource: ResourceID {
    signIn.user?.resource ?? .derived("sign-in", signIn.workspace.description, signIn.key)
  }
}

extension ReceivedSignIn {
  /// Who signed in, where the event names them.
  var userKey: UserKey? { signIn.user.map { UserKey(workspace: signIn.workspace, id: $0) } }

  /// What they signed in with, where the event says so; and what that was known by before there were comparison keys, where that differs.
  var emailKeys: [WorkspaceSignInKey] {
    guard let email = signIn.email else { return [] }
    let keys = [SignInKey(email, in: signIn.workspace), SignInKey.former(email, in: signIn.workspace)]
    return keys.compactMap { $0.map { WorkspaceSignInKey(signIn.workspace, $0) } }
  }
}
