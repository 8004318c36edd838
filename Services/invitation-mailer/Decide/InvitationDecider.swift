import Models

/// Decides what events mean for invitations, one after the other: pure.
///
/// An event that is not newer than what is known changes nothing.
struct InvitationDecider: Sendable {
  private var versions: KnownVersions
  /// What is to be written.
  private(set) var changes = MailerChanges()

  init(known: KnownVersions) {
    versions = known
  }

  mutating func decide(_ event: IdentityEvent, traceparent: String? = nil) {
    switch event {
    case .userChanged(let event): decide(event, traceparent: traceparent)
    case .workspaceChanged(let event): decide(event)
    case .groupChanged, .signInRefused, .changeHeld: break
    }
  }

  private mutating func decide(_ event: WorkspaceChanged) {
    guard event.version > versions.workspaces[event.workspace] ?? 0 else { return }
    versions.workspaces[event.workspace] = event.version
    changes.workspaces[event.workspace] = WorkspaceRecord(
      id: event.workspace, name: event.settings.name, signInURL: event.settings.signInURL, version: event.version)
  }

  private mutating func decide(_ event: UserChanged, traceparent: String?) {
    let key = UserKey(workspace: event.workspace, id: event.user.id)
    guard event.version > versions.users[key] ?? 0 else { return }
    versions.users[key] = event.version
    let state = UserRecord.State(event)
    changes.users[key] = UserRecord(key: key, version: event.version, state: state)
    switch state {
    case .invited(let invitee):
      // Someone who merely goes on being invited has an invitation already.
      guard event.change == .created || event.change == .enabled else { return }
      let hasAddress = invitee.email?.isEmpty == false
      changes.invitations.append(
        NewInvitation(
          id: NewInvitation.id(of: key, version: event.version), user: key, version: event.version,
          state: hasAddress ? .pending : .failed(reason: Self.noAddress), traceparent: traceparent))
    case .active, .disabled:
      changes.cancellations[key] = event.version
    case .deleted:
      changes.cancellations[key] = event.version
      changes.forgotten.insert(key)
    }
  }

  /// Why someone without an email is not invited.
  static let noAddress = "the user has no email address"
}

/// The versions of what a batch of events is about, as far as any are known.
struct KnownVersions: Sendable, Hashable {
  var users: [UserKey: Int64] = [:]
  var workspaces: [WorkspaceID: Int64] = [:]
}

/// What a batch of events has to change.
struct MailerChanges: Sendable, Hashable {
  var users: [UserKey: UserRecord] = [:]
  var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  /// In the order in which they came into being; to be written before anything is cancelled.
  var invitations: [NewInvitation] = []
  /// Whose invitations are not to be sent any more, up to which version of the user.
  var cancellations: [UserKey: Int64] = [:]
  /// Whose personal data is to go.
  var forgotten: Set<UserKey> = []
}

extension UserRecord.State {
  init(_ event: UserChanged) {
    switch (event.change, event.user.state) {
    case (.deleted, _): self = .deleted
    case (_, .active): self = .active
    case (_, .disabled): self = .disabled
    case (_, .invited):
      let user = event.user
      self = .invited(
        Invitee(email: user.email, givenName: user.givenName, displayName: user.displayName ?? user.fullName, language: user.language))
    }
  }
}

extension UserSnapshot {
  fileprivate var fullName: String? {
    let names = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return names.isEmpty ? nil : names.joined(separator: " ")
  }
}
