import Models

extension Decider {
  /// A person signed in: someone invited becomes active. Nothing is refused: the person is in already.
  mutating func promoteUser(_ signIn: SignIn) -> Reply.Outcome {
    let email = signIn.email.map { NameKey(workspace: signIn.workspace, comparing: $0) }
    let byID = signIn.user.flatMap { state.users[ResourceKey(workspace: signIn.workspace, id: $0.resource)] }
    guard var user = byID ?? email.flatMap({ state.user(signingInWith: $0) }) else {
      // Seen before the identity provider pushed the person: who is provisioned later starts active.
      if let email { state.rememberSignIn(email, at: signIn.signedInAt) }
      return .done
    }
    switch user.state {
    case .invited:
      user.state = .active
      user.firstSignedInAt = signIn.signedInAt
      user.version += 1
      user.modifiedAt = now
      state.update(user)
      publishChange(of: user, .activated)
    case .active:
      break
    case .disabled:
      publish(.signInRefused(SignInRefused(workspace: signIn.workspace, user: user.id, signedInAt: signIn.signedInAt)))
    }
    return .done
  }
}
