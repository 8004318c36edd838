import Foundation
import Models
import SCIM

extension Decider {
  /// A person signed in: someone invited becomes active. Nothing is refused: the person is in already.
  mutating func promoteUser(_ signIn: SignIn) -> Reply.Outcome {
    guard var user = person(signIn.user, email: signIn.email, in: signIn.workspace) else {
      guard let email = signIn.email else { return .signIn(.unknownUser) }
      // Seen before the identity provider pushed the person: who is provisioned later starts active.
      let key = NameKey(workspace: signIn.workspace, comparing: email)
      guard ResourceBounds.isName(key.name) else { return .signIn(.unknownUser) }
      remember(signIn, with: key)
      return .signIn(.remembered)
    }
    switch user.state {
    case .invited:
      user.state = .active
      user.firstSignedInAt = signIn.signedInAt
      user.version += 1
      user.modifiedAt = now
      state.update(user)
      publishChange(of: user, .activated)
      return .signIn(.promoted)
    case .active:
      return .signIn(.alreadyActive)
    case .disabled:
      publish(.signInRefused(SignInRefused(workspace: signIn.workspace, user: user.id, signedInAt: signIn.signedInAt)))
      return .signIn(.disabled)
    }
  }

  /// Who is meant by an id or an address; nil where nobody is.
  func person(_ id: UserID?, email: String?, in workspace: WorkspaceID) -> UserRecord? {
    id.flatMap { state.users[ResourceKey(workspace: workspace, id: $0.resource)] }
      ?? email.flatMap { state.user(signingInWith: NameKey(workspace: workspace, comparing: $0)) }
  }

  /// A later sign-in makes an earlier one last longer; within a day of it nothing is written.
  private mutating func remember(_ signIn: SignIn, with key: NameKey) {
    guard signIn.signedInAt > now.addingTimeInterval(-SignIn.memory) else { return }
    if let earlier = state.earlySignIns[key], signIn.signedInAt < earlier.addingTimeInterval(86_400) { return }
    state.rememberSignIn(key, at: signIn.signedInAt)
  }
}
