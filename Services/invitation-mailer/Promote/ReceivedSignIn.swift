import Foundation
import Models

/// A sign-in that was read from its topic, with the identity of its event.
struct ReceivedSignIn: Sendable, Hashable {
  let signIn: SignIn
  /// The id of the event, unique together with ``source`` (CloudEvents §3.1.1).
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

  /// The command that promotes the user. Its id is the same however often the event is delivered.
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
  /// The user, if the event names one by id.
  var userKey: UserKey? { signIn.user.map { UserKey(workspace: signIn.workspace, id: $0) } }

  /// The keys of the address, if the event names one: the comparison key, and the key of earlier versions if it differs.
  var emailKeys: [WorkspaceSignInKey] {
    guard let email = signIn.email else { return [] }
    let keys = [SignInKey(email, in: signIn.workspace), SignInKey.former(email, in: signIn.workspace)]
    return keys.compactMap { $0.map { WorkspaceSignInKey(signIn.workspace, $0) } }
  }
}
