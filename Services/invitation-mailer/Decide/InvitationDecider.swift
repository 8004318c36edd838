import Foundation
import MailTemplates
import Models
import Primitives

/// Decides what events mean for invitations, one after the other: pure.
///
/// An event that is not newer than what is known changes nothing.
struct InvitationDecider: Sendable {
  private var known: KnownState
  /// What is to be written.
  private(set) var changes = MailerChanges()

  init(known: KnownState) {
    self.known = known
  }

  mutating func decide(_ event: IdentityEvent, traceparent: String? = nil) {
    switch event {
    case .userChanged(let event): decide(event, traceparent: traceparent)
    case .workspaceChanged(let event): decide(event)
    case .invitationOrdered(let event): carryOut(event, traceparent: traceparent)
    case .changeHeld(let event): changes.heldChanges.append(event)
    case .groupChanged, .signInRefused: break
    }
  }

  private mutating func decide(_ event: WorkspaceChanged) {
    let before = known.workspaces[event.workspace]
    // A restatement of the same version mends what differs.
    let isMended = event.version == before?.version && event.settings != before?.settings
    guard event.version > before?.version ?? 0 || isMended else { return }
    let record = WorkspaceRecord(id: event.workspace, settings: event.settings(after: before?.settings), version: event.version)
    known.workspaces[event.workspace] = record
    changes.workspaces[event.workspace] = record
    // Those who became invited before the workspace was known wait for its policy.
    if before == nil {
      changes.policies[event.workspace] = event.settings.invitations
    } else if let before, before.settings.invitations != event.settings.invitations {
      changes.restrictions[event.workspace] = event.settings.invitations
    }
  }

  private mutating func decide(_ event: UserChanged, traceparent: String?) {
    let key = UserKey(workspace: event.workspace, id: event.user.id)
    let before = known.users[key]
    // What is published again mends a row of the same version.
    let isStatement = event.change == .restated || event.change == .deleted
    guard event.version > before?.version ?? 0 || isStatement && event.version == before?.version else { return }
    var record = UserRecord(event)
    // An address that is too large for an event is none that the person was mailed at: what is known stays.
    if event.omits("email"), case .invited(let address)? = before?.state, case .invited(var invitee) = record.state {
      invitee.email = address
      record.state = .invited(invitee)
    }
    known.users[key] = KnownUser(record, hasInvitation: before?.hasInvitation ?? false)
    changes.users[key] = record
    switch record.state {
    case .invited(let invitee):
      if event.change == .restated {
        // Since then any sign-in of theirs counts.
        makeUp(for: record, since: event.invitation?.createdAt ?? event.changedAt, traceparent: traceparent)
        if makeUp(forTheInvitationOf: key, invitee, event, before, traceparent: traceparent) { return }
      }
      // Of the same version, it is the row that was wrong, and not where the mail went.
      guard event.version > before?.version ?? 0 else { return }
      let isInvitedAnew = event.change == .created || event.change == .enabled
      if !isInvitedAnew {
        // Someone who merely goes on being invited has an invitation already, unless that is on its way to where they are no more.
        guard let before, case .invited(let address) = before.state,
          address.map(ComparisonKey.init) != invitee.email.map(ComparisonKey.init)
        else { return }
        changes.withdraw(.init(user: key, upTo: event.version - 1, state: .revoked, reason: "the person has another address now"))
      }
      invite(key, invitee, version: event.version, traceparent: traceparent)
      makeUp(for: record, since: event.changedAt, traceparent: traceparent)
    case .active:
      changes.withdraw(.init(user: key, upTo: event.version, state: .accepted, reason: "the person signed in"))
    case .disabled:
      changes.withdraw(.init(user: key, upTo: event.version, state: .revoked, reason: "the person was disabled"))
      makeUp(for: record, since: event.changedAt, traceparent: traceparent)
    case .deleted:
      changes.withdraw(.init(user: key, upTo: event.version, state: .revoked, reason: "the person was deleted"))
      changes.forgotten.insert(key)
      changes.departures[key] = event.changedAt
    }
  }

  /// Someone is invited, and nothing is known of an invitation: their event was lost, or the database that knew of it.
  ///
  /// - Returns: Whether it is so, whatever becomes of them.
  private mutating func makeUp(
    forTheInvitationOf key: UserKey, _ invitee: Invitee, _ event: UserChanged, _ before: KnownUser?, traceparent: String?
  ) -> Bool {
    let invitation = event.invitation
    if let before, before.hasInvitation {
      // Not invited when last heard of, they became so since: nobody has mailed them for that.
      guard case .other = before.state, event.version > before.version else { return false }
      if let invitation, invitation.missing != .none { invite(key, invitee, version: event.version, traceparent: traceparent) }
      return true
    }
    guard let invitation else { return true }
    switch invitation.missing {
    case .none: return true
    case .missing where invitation.createdAt < known.begunAt: return true
    case .missing, .all: break
    }
    let lifetime = known.workspaces[key.workspace]?.settings.invitations.lifetime
    if let lifetime, invitation.createdAt.addingTimeInterval(lifetime) <= event.changedAt {
      add(key, version: event.version, fate: .expired(reason: Self.tooLate), traceparent: traceparent)
    } else {
      invite(key, invitee, version: event.version, traceparent: traceparent, since: invitation.createdAt)
    }
    return true
  }

  private mutating func invite(
    _ key: UserKey, _ invitee: Invitee, version: Int64, traceparent: String?, since: Date? = nil
  ) {
    let fate: NewInvitation.Fate
    if invitee.email?.isEmpty ?? true {
      fate = .failed(reason: Self.noAddress)
    } else if let policy = known.workspaces[key.workspace]?.settings.invitations {
      fate = InvitationPlan(policy).map { .scheduled($0, reason: $0.reason) } ?? .revoked(reason: InvitationPlan.nobody)
    } else {
      fate = .unplanned
    }
    add(key, version: version, fate: fate, traceparent: traceparent, since: fate == .unplanned ? since : nil)
  }

  private mutating func add(
    _ key: UserKey, version: Int64, fate: NewInvitation.Fate, traceparent: String?, since: Date? = nil
  ) {
    known.users[key]?.hasInvitation = true
    changes.invitations.append(
      NewInvitation(
        id: NewInvitation.id(of: key, version: version), user: key, version: version, fate: fate, traceparent: traceparent, since: since))
  }

  /// A sign-in asked for no promotion, since the person was still known to be active; it came after this change, so it does ask for one.
  private mutating func makeUp(for record: UserRecord, since time: Date, traceparent: String?) {
    guard let signedInAt = record.signInKeys.compactMap({ known.skippedSignIns[$0] }).max(), signedInAt > time else { return }
    changes.promotions.append(
      LatePromotion(user: record.key, version: record.version, signedInAt: signedInAt, traceparent: traceparent))
  }

  private mutating func carryOut(_ event: InvitationOrdered, traceparent: String?) {
    guard known.orders.insert(event.id).inserted else { return }
    changes.orders.append(OrderKey(workspace: event.workspace, id: event.id))
    switch event.order {
    case .resend(let user): resend(UserKey(workspace: event.workspace, id: user), event, traceparent: traceparent)
    case .revoke(let user):
      let key = UserKey(workspace: event.workspace, id: user)
      changes.withdraw(
        .init(user: key, upTo: known.users[key]?.version ?? 0, state: .revoked, reason: "\(event.actor) revoked it"))
    // Its texts were too large for the event: the dead letters have the order.
    case .setTemplate where event.omitted != nil: break
    case .setTemplate(var template):
      template.language = template.language.lowercased()
      changes.templates.append(.init(workspace: event.workspace, language: template.language, template: template, at: event.orderedAt))
    case .resetTemplate(let language):
      changes.templates.append(
        .init(workspace: event.workspace, language: language.lowercased(), template: nil, at: event.orderedAt))
    }
  }

  private mutating func resend(_ key: UserKey, _ event: InvitationOrdered, traceparent: String?) {
    // identity-store has seen to it that the person was invited then; if not any more, an event of theirs came before.
    guard let user = known.users[key], case .invited(let email) = user.state else { return }
    known.users[key]?.hasInvitation = true
    let id = InvitationID.derived("order", event.workspace.description, event.id.description)
    changes.withdraw(.init(user: key, upTo: user.version, except: id, state: .revoked, reason: "\(event.actor) had another one sent"))
    let plan = InvitationPlan.now(known.workspaces[key.workspace]?.settings.invitations ?? InvitationPolicy())
    let hasAddress = email?.isEmpty == false
    changes.invitations.append(
      NewInvitation(
        id: id, user: key, version: user.version,
        fate: hasAddress ? .scheduled(plan, reason: "\(event.actor) wants it sent") : .failed(reason: Self.noAddress),
        traceparent: traceparent))
  }

  /// Why someone without an email is not invited.
  static let noAddress = "the user has no email address"
  /// Why someone is not mailed whose invitation was missed.
  static let tooLate = "it was missed, and would not be good any more"
}

extension UserRecord {
  /// All that a sign-in of theirs may be known by.
  var signInKeys: [WorkspaceSignInKey] {
    guard state != .deleted else { return [] }
    return [WorkspaceSignInKey(key)] + ([nameKey, emailKey].compactMap { $0 } + formerKeys).map { WorkspaceSignInKey(key.workspace, $0) }
  }

  init(_ event: UserChanged) {
    let user = event.user
    func key(_ name: String?) -> SignInKey? {
      guard event.change != .deleted, let name, !name.isEmpty else { return nil }
      return SignInKey(name, in: event.workspace)
    }
    self.init(
      key: UserKey(workspace: event.workspace, id: user.id), version: event.version, state: State(event), nameKey: key(user.userName),
      emailKey: key(user.email),
      formerKeys: event.change == .deleted
        ? [] : [user.userName, user.email].compactMap { $0 }.compactMap { SignInKey.former($0, in: event.workspace) })
  }
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
