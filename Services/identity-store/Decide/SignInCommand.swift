import Foundation
import Models
import SCIM

/// Records a sign-in: an invited user becomes active. It is never refused, because the user has already signed in.
extension SignIn: WorkspaceBoundCommand {
  var auditScope: AuditScope { .people }

  var operationWithoutPersonalData: Command.Operation? {
    var signIn = self
    signIn.email = nil
    return .promoteUser(signIn)
  }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    if let user { writeSet.users.insert(ResourceKey(workspace: command.workspace, id: user.resource)) }
    if let email { writeSet.insertPerson(with: email, in: command.workspace) }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    decider.promoteUser(self)
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? {
    decider.auditTarget(ofUser: user, email: email, in: command.workspace)
  }
}

extension WriteSet {
  /// Adds the users whose address or userName is `email`.
  mutating func insertPerson(with email: String, in workspace: WorkspaceID) {
    let forms = NameKey.forms(of: email, in: workspace)
    emails.formUnion(forms)
    userNames.formUnion(forms)
  }
}

extension Decider {
  fileprivate mutating func promoteUser(_ signIn: SignIn) -> Reply.Outcome {
    guard var user = person(signIn.user, email: signIn.email, in: signIn.workspace) else {
      guard let email = signIn.email else { return .signIn(.unknownUser) }
      // An early sign-in: when the identity provider pushes the user later, the user is created as active.
      let key = NameKey(workspace: signIn.workspace, comparing: email)
      guard ResourceBounds.isName(key.name) else { return .signIn(.unknownUser) }
      storeEarlySignIn(signIn, with: key)
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
      return .signIn(.promoted, user: user.id)
    case .active:
      return .signIn(.alreadyActive, user: user.id)
    case .disabled:
      publish(.signInRefused(SignInRefused(workspace: signIn.workspace, user: user.id, signedInAt: signIn.signedInAt)))
      return .signIn(.disabled, user: user.id)
    }
  }

  /// The user with this id or, if none is found, with this address; `nil` if there is neither.
  func person(_ id: UserID?, email: String?, in workspace: WorkspaceID) -> UserRecord? {
    id.flatMap { state.users[ResourceKey(workspace: workspace, id: $0.resource)] }
      ?? email.flatMap { state.user(signingInWith: NameKey(workspace: workspace, comparing: $0)) }
  }

  /// The audit target for a user: the id, never an address, since the audit trail is kept forever.
  func auditTarget(ofUser id: UserID?, email: String?, in workspace: WorkspaceID) -> String {
    person(id, email: email, in: workspace).map { "user \($0.id)" } ?? id.map { "user \($0)" } ?? "nobody known"
  }

  /// Stores the sign-in of an unknown address, at most once a day for each address.
  private mutating func storeEarlySignIn(_ signIn: SignIn, with key: NameKey) {
    guard signIn.signedInAt > now.addingTimeInterval(-SignIn.memory) else { return }
    if let earlier = state.earlySignIns[key], signIn.signedInAt < earlier.addingTimeInterval(86_400) { return }
    state.storeEarlySignIn(key, at: signIn.signedInAt)
  }
}
