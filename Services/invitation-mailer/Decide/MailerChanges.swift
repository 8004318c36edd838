import Foundation
import Models

/// What is known of what a batch of events is about.
struct KnownState: Sendable, Hashable {
  var users: [UserKey: KnownUser] = [:]
  var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  /// Orders that were carried out.
  var orders: Set<CommandID> = []
  /// The latest sign-ins that asked for no promotion.
  var skippedSignIns: [WorkspaceSignInKey: Date] = [:]
  /// Since when the mailer's database has been there; whoever was created earlier may have been mailed on the word of another.
  var begunAt = Date.distantPast
}

/// As much of a user as decisions need.
struct KnownUser: Sendable, Hashable {
  var version: Int64
  var state: State
  /// Whether there is an invitation of theirs on record, whatever became of it.
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

/// What someone signs in with, where.
struct WorkspaceSignInKey: Sendable, Hashable, Comparable {
  var workspace: WorkspaceID
  var key: SignInKey

  init(_ workspace: WorkspaceID, _ key: SignInKey) {
    self.workspace = workspace
    self.key = key
  }

  /// Of sign-ins that name the user by id.
  init(_ user: UserKey) { self.init(user.workspace, SignInKey(user.id.description, in: user.workspace)) }

  static func < (left: Self, right: Self) -> Bool { (left.workspace, left.key) < (right.workspace, right.key) }
}

/// What a batch of events has to change.
struct MailerChanges: Sendable, Hashable {
  var users: [UserKey: UserRecord] = [:]
  var workspaces: [WorkspaceID: WorkspaceRecord] = [:]
  /// The policies of workspaces that were not known before: for invitations that wait for them.
  var policies: [WorkspaceID: InvitationPolicy] = [:]
  /// Policies that changed: what they do not want any more is not sent.
  var restrictions: [WorkspaceID: InvitationPolicy] = [:]
  /// In the order in which they came into being; to be written before anything is withdrawn.
  var invitations: [NewInvitation] = []
  /// To be written one after the other; within one, each user is there once.
  private(set) var withdrawals: [[UserKey: Withdrawal]] = []
  var templates: [TemplateChange] = []
  var orders: [OrderKey] = []
  /// Changes that wait for approval, of which an administrator is to be told.
  var heldChanges: [ChangeHeld] = []
  /// Whose personal data is to go.
  var forgotten: Set<UserKey> = []
  /// Since when those are gone whose sign-ins before are to be forgotten.
  var departures: [UserKey: Date] = [:]
  /// To be asked for once all of this is written.
  var promotions: [LatePromotion] = []

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

/// That a person's invitations come to their end.
struct Withdrawal: Sendable, Hashable {
  var user: UserKey
  /// Those of later versions of the user are untouched.
  var upTo: Int64
  var except: InvitationID?
  /// Accepted or revoked.
  var state: InvitationState
  var reason: String
}

struct TemplateChange: Sendable, Hashable {
  var workspace: WorkspaceID
  var language: String
  /// nil where it is as built in again.
  var template: InvitationTemplate?
  var at: Date
}

/// An order, to be known by.
struct OrderKey: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: CommandID
}

/// A promotion that a sign-in should have asked for.
struct LatePromotion: Sendable, Hashable {
  var user: UserKey
  var version: Int64
  var signedInAt: Date
  var traceparent: String?

  /// The same command, however often the event is delivered.
  var command: Command {
    Command(
      id: .derived("late promotion", user.workspace.description, user.id.description, String(version)), workspace: user.workspace,
      resource: user.id.resource, actor: .service("invitation-mailer"), issuedAt: signedInAt, traceparent: traceparent,
      operation: .promoteUser(SignIn(workspace: user.workspace, email: nil, user: user.id, signedInAt: signedInAt)))
  }
}
