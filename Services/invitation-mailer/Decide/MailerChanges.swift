import Foundation
import Models

/// The stored state that a batch of events depends on.
struct KnownState: Sendable, Hashable {
  var users: [UserKey: KnownUser] = [:]
  var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  /// The versions of the workspaces' templates.
  var templates: [WorkspaceID: Int] = [:]
  /// The orders that were executed already.
  var orders: Set<CommandID> = []
  /// The latest sign-ins for which no promotion was requested, because the person was known to be active.
  var skippedSignIns: [WorkspaceSignInKey: Date] = [:]
  /// When the mailer's database was created. Users created earlier may have been invited by a previous database.
  var databaseCreatedAt = Date.distantPast
}

/// The part of a user that decisions depend on.
struct KnownUser: Sendable, Hashable {
  var version: Int64
  var state: State
  /// Whether an invitation of the user is stored, in any state.
  var hasInvitation: Bool

  enum State: Sendable, Hashable {
    case invited(email: String?)
    case other
  }

  init(version: Int64, state: State = .other, hasInvitation: Bool = true) {
    self.version = version
    self.state = state
    self.hasInvitation = hasInvitation
  }

  init(_ record: UserRecord, hasInvitation: Bool) {
    version = record.version
    self.hasInvitation = hasInvitation
    if case .invited(let invitee) = record.state { state = .invited(email: invitee.email) } else { state = .other }
  }
}

/// A sign-in key of a workspace.
struct WorkspaceSignInKey: Sendable, Hashable, Comparable {
  var workspace: WorkspaceID
  var key: SignInKey

  init(_ workspace: WorkspaceID, _ key: SignInKey) {
    self.workspace = workspace
    self.key = key
  }

  /// The key of sign-ins that name the user by id.
  init(_ user: UserKey) { self.init(user.workspace, SignInKey(user.id.description, in: user.workspace)) }

  static func < (left: Self, right: Self) -> Bool { (left.workspace, left.key) < (right.workspace, right.key) }
}

/// The changes that a batch of events makes.
struct MailerChanges: Sendable, Hashable {
  var users: [UserKey: UserRecord] = [:]
  var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  /// The policies of new workspaces, for invitations that wait for them.
  var policies: [WorkspaceID: InvitationPolicy] = [:]
  /// Changed policies. Mails that they exclude are cancelled.
  var restrictions: [WorkspaceID: InvitationPolicy] = [:]
  /// New invitations, in the order of their creation. They are written before the withdrawals.
  var invitations: [NewInvitation] = []
  /// Rounds of withdrawals, to be written one after the other. Each user occurs once per round.
  private(set) var withdrawals: [[UserKey: Withdrawal]] = []
  var templates: [TemplateChange] = []
  var orders: [OrderKey] = []
  /// Changes that wait for approval, about which an administrator is mailed.
  var heldChanges: [ChangeHeld] = []
  /// Single events about which an administrator is mailed.
  var alerts: [NewAlert] = []
  /// Deleted users whose personal data is erased.
  var erasedUsers: Set<UserKey> = []
  /// When users were deleted. Their skipped sign-ins from before are deleted too.
  var deletions: [UserKey: Date] = [:]
  /// Promotions to request after the changes are committed.
  var promotions: [MissedPromotion] = []

  /// The mails among the new invitations that can be claimed by the transaction that stores them: due now, not withdrawn by the same batch,
  /// and of a workspace that it does not change.
  func claimableMails(_ known: KnownState, at now: Date) -> [DueInvitation] {
    invitations.compactMap { invitation in
      let workspace = invitation.user.workspace
      guard let plan = invitation.disposition.plan, plan.delay == 0, !plan.isDigest,
        let version = known.workspaces[workspace]?.version, let templates = known.templates[workspace],
        workspaces[workspace] == nil, !self.templates.contains(where: { $0.workspace == workspace }),
        !withdrawals.contains(where: { $0[invitation.user] != nil }),
        case .invited(let invitee)? = users[invitation.user]?.state, let email = invitee.email
      else { return nil }
      return DueInvitation(
        workspace: workspace, id: invitation.id, user: invitation.user.id, reminder: 0, attempts: 0, traceparent: invitation.traceparent,
        recipient: DueInvitation.Recipient(
          email: email, givenName: invitee.givenName, displayName: invitee.displayName, language: invitee.language),
        settings: WorkspaceVersion(workspace: workspace, version: Int(version), templates: templates), isDigest: false, dueAt: now,
        claimedAt: now, pushedAt: invitation.pushedAt)
    }
  }

  /// When the scheduler has to look for mails that the batch schedules, except those with an id in `claimed`; nil if there are none.
  func nextDue(except claimed: Set<InvitationID>, at now: Date) -> Date? {
    // A changed policy may have made any invitation of its workspace due.
    guard policies.isEmpty, restrictions.isEmpty else { return now }
    let delays = invitations.compactMap { claimed.contains($0.id) ? nil : $0.disposition.plan?.delay }
    return delays.min().map(now.addingTimeInterval)
  }

  /// Adds a withdrawal to the first round after the user's last one.
  mutating func withdraw(_ withdrawal: Withdrawal) {
    if let last = withdrawals.indices.last(where: { withdrawals[$0][withdrawal.user] != nil }) {
      if last == withdrawals.count - 1 { withdrawals.append([:]) }
      withdrawals[last + 1][withdrawal.user] = withdrawal
    } else {
      if withdrawals.isEmpty { withdrawals.append([:]) }
      withdrawals[0][withdrawal.user] = withdrawal
    }
  }
}

/// Ends the open invitations of a user.
struct Withdrawal: Sendable, Hashable {
  var user: UserKey
  /// Invitations of later versions of the user are not affected.
  var upTo: Int64
  /// An invitation that is not affected.
  var except: InvitationID?
  /// `accepted` or `revoked`.
  var state: InvitationState
  var reason: String
}

/// A change of a workspace's invitation template.
struct TemplateChange: Sendable, Hashable {
  var workspace: WorkspaceID
  var language: String
  /// Nil if the built-in template is restored.
  var template: InvitationTemplate?
  var at: Date
}

/// The key of an operator's order.
struct OrderKey: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: CommandID
}

/// A promotion that was not requested at sign-in, because the user's state was outdated.
struct MissedPromotion: Sendable, Hashable {
  var user: UserKey
  var version: Int64
  var signedInAt: Date
  var traceparent: String?

  /// The promote command: the same one for every delivery of the event.
  var command: Command {
    Command(
      id: .derived("late promotion", user.workspace.description, user.id.description, String(version)), workspace: user.workspace,
      resource: user.id.resource, actor: .service("invitation-mailer"), issuedAt: signedInAt, traceparent: traceparent,
      operation: .promoteUser(SignIn(workspace: user.workspace, email: nil, user: user.id, signedInAt: signedInAt)))
  }
}
