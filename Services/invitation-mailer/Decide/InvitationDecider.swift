import Foundation
import MailTemplates
import Models
import Primitives

/// Decides how identity events change invitations.
///
/// A pure state machine over ``KnownState``: it does no I/O. Events that are not newer than the known state change nothing.
struct InvitationDecider: Sendable {
  private var known: KnownState
  /// The changes to write.
  private(set) var changes = MailerChanges()

  init(known: KnownState) {
    self.known = known
  }

  /// Applies the next event.
  mutating func decide(_ event: IdentityEvent, traceparent: String? = nil) {
    switch event {
    case .userChanged(let event): decide(event, traceparent: traceparent)
    case .workspaceChanged(let event): decide(event)
    case .invitationOrdered(let event): apply(event, traceparent: traceparent)
    case .changeHeld(let event): changes.heldChanges.append(event)
    case .webhookChanged(let event): if let alert = NewAlert(event) { changes.alerts.append(alert) }
    case .workspaceAlert(let event): changes.alerts.append(NewAlert(event))
    case .groupChanged, .signInRefused, .webhookOrdered: break
    }
  }

  private mutating func decide(_ event: WorkspaceChanged) {
    let before = known.workspaces[event.workspace]
    // A republished event of the same version corrects what differs.
    let isCorrection = event.version == before?.version && event.settings != before?.settings
    guard event.version > before?.version ?? 0 || isCorrection else { return }
    let record = WorkspaceRecord(id: event.workspace, settings: event.settings(after: before?.settings), version: event.version)
    known.workspaces[event.workspace] = record
    changes.workspaces[event.workspace] = record
    // Invitations from before the workspace was known wait for its policy.
    if before == nil {
      changes.policies[event.workspace] = event.settings.invitations
    } else if let before, before.settings.invitations != event.settings.invitations {
      changes.restrictions[event.workspace] = event.settings.invitations
    }
  }

  private mutating func decide(_ event: UserChanged, traceparent: String?) {
    let key = UserKey(workspace: event.workspace, id: event.user.id)
    let before = known.users[key]
    // A republished event corrects a row of the same version.
    let isRestatement = event.change == .restated || event.change == .deleted
    guard event.version > before?.version ?? 0 || isRestatement && event.version == before?.version else { return }
    var record = UserRecord(event)
    // An address too large for the event is not the one that was mailed: keep the known address.
    if event.omits("email"), case .invited(let address)? = before?.state, case .invited(var invitee) = record.state {
      invitee.email = address
      record.state = .invited(invitee)
    }
    known.users[key] = KnownUser(record, hasInvitation: before?.hasInvitation ?? false)
    changes.users[key] = record
    switch record.state {
    case .invited(let invitee):
      if event.change == .restated {
        // Sign-ins since the invitation count.
        promoteAfterMissedSignIn(record, since: event.invitation?.createdAt ?? event.changedAt, traceparent: traceparent)
        if restoreMissingInvitation(of: key, invitee, event, before, traceparent: traceparent) { return }
      }
      // At the same version the stored row was wrong, not the recipient of the mail.
      guard event.version > before?.version ?? 0 else { return }
      let isInvitedAnew = event.change == .created || event.change == .enabled
      if !isInvitedAnew {
        // A user who stays invited already has an invitation, unless the address changed.
        guard let before, case .invited(let address) = before.state,
          address.map(ComparisonKey.init) != invitee.email.map(ComparisonKey.init)
        else { return }
        changes.withdraw(.init(user: key, upTo: event.version - 1, state: .revoked, reason: "the person's address changed"))
      }
      invite(key, invitee, version: event.version, traceparent: traceparent, pushedAt: event.changedAt)
      promoteAfterMissedSignIn(record, since: event.changedAt, traceparent: traceparent)
    case .active:
      let isLinked = event.user.accountID != nil && event.user.firstSignedInAt == nil
      changes.withdraw(
        .init(
          user: key, upTo: event.version, state: .accepted,
          reason: isLinked ? "the person has an account in the product" : "the person signed in"))
    case .disabled:
      changes.withdraw(.init(user: key, upTo: event.version, state: .revoked, reason: "the person was disabled"))
      promoteAfterMissedSignIn(record, since: event.changedAt, traceparent: traceparent)
    case .deleted:
      changes.withdraw(.init(user: key, upTo: event.version, state: .revoked, reason: "the person was deleted"))
      changes.erasedUsers.insert(key)
      changes.deletions[key] = event.changedAt
    }
  }

  /// Restores the invitation of an invited user if none is stored, because the event or the database was lost.
  ///
  /// - Returns: Whether the invitation was missing, even if none is created.
  private mutating func restoreMissingInvitation(
    of key: UserKey, _ invitee: Invitee, _ event: UserChanged, _ before: KnownUser?, traceparent: String?
  ) -> Bool {
    let invitation = event.invitation
    if let before, before.hasInvitation {
      // The user became invited after the last known event, so no mail was sent for that.
      guard case .other = before.state, event.version > before.version else { return false }
      if let invitation, invitation.missing != .none { invite(key, invitee, version: event.version, traceparent: traceparent) }
      return true
    }
    guard let invitation else { return true }
    switch invitation.missing {
    case .none: return true
    case .missing where invitation.createdAt < known.databaseCreatedAt: return true
    case .missing, .all: break
    }
    let lifetime = known.workspaces[key.workspace]?.settings.invitations.lifetime
    if let lifetime, invitation.createdAt.addingTimeInterval(lifetime) <= event.changedAt {
      add(key, version: event.version, disposition: .expired(reason: Self.tooLate), traceparent: traceparent)
    } else {
      invite(key, invitee, version: event.version, traceparent: traceparent, since: invitation.createdAt)
    }
    return true
  }

  private mutating func invite(
    _ key: UserKey, _ invitee: Invitee, version: Int64, traceparent: String?, since: Date? = nil, pushedAt: Date? = nil
  ) {
    let disposition: NewInvitation.Disposition
    if invitee.email?.isEmpty ?? true {
      disposition = .failed(reason: Self.noAddress)
    } else if let policy = known.workspaces[key.workspace]?.settings.invitations {
      disposition = InvitationPlan(policy).map { .scheduled($0, reason: $0.reason) } ?? .revoked(reason: InvitationPlan.sendingDisabled)
    } else {
      disposition = .unplanned
    }
    add(
      key, version: version, disposition: disposition, traceparent: traceparent, since: disposition == .unplanned ? since : nil,
      pushedAt: pushedAt)
  }

  private mutating func add(
    _ key: UserKey, version: Int64, disposition: NewInvitation.Disposition, traceparent: String?, since: Date? = nil,
    pushedAt: Date? = nil
  ) {
    known.users[key]?.hasInvitation = true
    changes.invitations.append(
      NewInvitation(
        id: NewInvitation.id(of: key, version: version), user: key, version: version, disposition: disposition, traceparent: traceparent,
        since: since, pushedAt: pushedAt))
  }

  /// Requests the promotion for a sign-in that was skipped because the user was still known to be active, if it came after this change.
  private mutating func promoteAfterMissedSignIn(_ record: UserRecord, since time: Date, traceparent: String?) {
    guard let signedInAt = record.signInKeys.compactMap({ known.skippedSignIns[$0] }).max(), signedInAt > time else { return }
    changes.promotions.append(
      MissedPromotion(user: record.key, version: record.version, signedInAt: signedInAt, traceparent: traceparent))
  }

  private mutating func apply(_ event: InvitationOrdered, traceparent: String?) {
    guard known.orders.insert(event.id).inserted else { return }
    changes.orders.append(OrderKey(workspace: event.workspace, id: event.id))
    switch event.order {
    case .resend(let user): resend(UserKey(workspace: event.workspace, id: user), event, traceparent: traceparent)
    case .revoke(let user):
      let key = UserKey(workspace: event.workspace, id: user)
      changes.withdraw(
        .init(user: key, upTo: known.users[key]?.version ?? 0, state: .revoked, reason: "\(event.actor) revoked it"))
    // The texts were too large for the event; the dead letters contain the order.
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
    // identity-store checked that the user was invited. If the user no longer is, a later event arrived first.
    guard let user = known.users[key], case .invited(let email) = user.state else { return }
    known.users[key]?.hasInvitation = true
    let id = InvitationID.derived("order", event.workspace.description, event.id.description)
    changes.withdraw(.init(user: key, upTo: user.version, except: id, state: .revoked, reason: "\(event.actor) sent another one"))
    let plan = InvitationPlan.now(known.workspaces[key.workspace]?.settings.invitations ?? InvitationPolicy())
    let hasAddress = email?.isEmpty == false
    changes.invitations.append(
      NewInvitation(
        id: id, user: key, version: user.version,
        disposition: hasAddress ? .scheduled(plan, reason: "\(event.actor) requested it") : .failed(reason: Self.noAddress),
        traceparent: traceparent, isRequested: true))
  }

  /// Why a user without an address is not invited.
  static let noAddress = "the user has no email address"
  /// Why a missed invitation is not sent any more.
  static let tooLate = "it was missed and would have expired"
}

extension UserRecord {
  /// All keys by which a sign-in of the user may be remembered.
  var signInKeys: [WorkspaceSignInKey] {
    guard state != .deleted else { return [] }
    return [WorkspaceSignInKey(key)] + ([nameKey, emailKey].compactMap { $0 } + formerKeys).map { WorkspaceSignInKey(key.workspace, $0) }
  }

  /// The data of the user after `event`.
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
  /// The state after `event`.
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
