import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The view model of the page of held changes.
struct HeldChangesView: Sendable {
  var tabs: [ProvisioningTab]
  var rules: [String]
  var hasRules: Bool
  var slug: String
  var pending: [PendingChange]
  var isEmpty: Bool
  var decided: [DecidedChange]
  var hasDecided: Bool
  var pager: Pager?

  /// A pending change.
  struct PendingChange: Sendable, Equatable {
    var id: String
    var subject: String
    var link: String?
    var effect: String
    var since: String
    var requestedAt: String
    var sender: String
    /// The names of the members who would leave the group.
    var leavers: [String]
    var hasLeavers: Bool
    var leaversHeading: String
    /// The number of further members who would leave.
    var more: String?
    /// The page with the account that the person would be linked to.
    var accountPath: String?
    /// The response that the identity provider got.
    var response: String
    var approveEffect: String
    var rejectEffect: String
    var approveQuestion: String
    var rejectQuestion: String
    var approvePath: String
    var rejectPath: String
  }

  /// A decided change.
  struct DecidedChange: Sendable, Equatable {
    var name: String
    var decidedLink: String?
    var decidedEffect: String
    var tone: String
    var verdict: String
    var by: String?
    var time: String?
    /// Approves a rejected change, which is possible while the identity provider still requests it.
    var approval: Approval?
  }

  /// The form that approves a rejected change.
  struct Approval: Sendable, Equatable {
    var path: String
    var question: String
  }

  /// The number of changes on a page.
  static let pageSize = 20

  /// - Parameter found: up to one more than ``pageSize``.
  init(
    _ found: [HeldChangesQuery.Change], decided: [HeldChangesQuery.Change], settings: WorkspaceSettings, tabs: [ProvisioningTab],
    isFirst: Bool
  ) {
    self.tabs = tabs
    slug = settings.slug
    rules = (settings.changeGuard.map(Self.rules) ?? []) + Self.rules(of: settings.seats)
    hasRules = !rules.isEmpty
    let page = found.prefix(Self.pageSize)
    pending = page.map(PendingChange.init)
    isEmpty = pending.isEmpty
    self.decided = decided.map(DecidedChange.init)
    hasDecided = !decided.isEmpty
    let path = ProvisioningTab.Page.held.path
    pager = Pager(
      ifNeeded: isFirst ? nil : path,
      next: found.count > Self.pageSize ? page.last.map { path + ConsoleText.query([("after", "\($0.id)")]) } : nil)
  }

  /// The rules for display.
  static func rules(_ changeGuard: ChangeGuard) -> [String] {
    var rules: [String] = []
    if let share = changeGuard.maximumShrink {
      rules.append(
        "Removing more than \(Int((share * 100).rounded())) % of a group's members within \(Int(ChangeGuard.window / 60)) minutes, in any way, "
          + "from groups with at least \(ConsoleText.number(changeGuard.minimumMembers)) members")
    }
    if let most = changeGuard.maximumDeactivations {
      rules.append(
        "Disabling or deleting more than \(ConsoleText.count(most, "person", "people")) within "
          + "\(Int(ChangeGuard.window / 60)) minutes")
    }
    if changeGuard.holdsLastAdmin {
      rules.append("Disabling or deleting the last active person with the role admin, or giving them another role")
    }
    rules.append("When changes are held, a mail is sent to \(changeGuard.notify)")
    return rules
  }

  /// The rule for seats; none if no person waits for one.
  static func rules(of seats: SeatLimit?) -> [String] {
    guard let seats, seats.policy == .hold else { return [] }
    return ["Enabling people while all \(ConsoleText.count(seats.limit, "seat", "seats")) are taken"]
  }
}

extension HeldChangesQuery.Change {
  /// The effect of the change.
  var effect: String {
    switch kind {
    case .membersRemoved:
      "\(ConsoleText.number(leaving)) of \(ConsoleText.count(members ?? 0, "member", "members")) would leave the group"
    case .groupDeleted: "The group would be deleted, with \(ConsoleText.count(members ?? 0, "member", "members"))"
    case .userDisabled: "The person would be disabled"
    case .userDeleted: "The person would be deleted"
    case .userEnabled: "The person would be enabled, but all seats are taken"
    case .roleChanged: "The person would lose the role admin, and is the last active administrator"
    case .otherDomain: "The person would be enabled, with an address in a domain that is not verified"
    case .addressChanged: "The person would get an address in a domain that is not verified"
    case .accountMatched: "The person would be enabled, and may be the owner of an existing account"
    }
  }

  fileprivate var link: String? {
    guard exists else { return nil }
    return kind.isOfGroup ? ProvisioningPath.group(resource) : ProvisioningPath.member(resource)
  }

  fileprivate var subject: String { name ?? "A deleted person" }
}

extension HeldChangesView.PendingChange {
  init(_ change: HeldChangesQuery.Change) {
    id = "\(change.id)"
    subject = change.subject
    link = change.link
    effect = change.effect
    since = Timestamp.text(change.heldAt)
    requestedAt = Timestamp.text(change.requestedAt)
    sender = change.token ?? change.requestedBy
    leavers = change.leavers
    hasLeavers = !leavers.isEmpty
    leaversHeading = change.leaving == 1 ? "The person who would leave" : "The \(ConsoleText.number(change.leaving)) people who would leave"
    let unlisted = change.leaving - leavers.count
    more = unlisted > 0 ? "and \(ConsoleText.number(unlisted)) more; scimctl held show \(change.id) lists them all" : nil
    accountPath = change.kind == .accountMatched ? "\(ConsoleSection.accounts.path)#decisions" : nil
    approvePath = "\(ProvisioningTab.Page.held.path)/\(change.id)/approve"
    rejectPath = "\(ProvisioningTab.Page.held.path)/\(change.id)/reject"
    switch change.kind {
    case .membersRemoved:
      let people = ConsoleText.count(change.leaving, "person", "people")
      response = "The change succeeded. Reads still return the members who wait to leave."
      approveEffect = "The \(people) leave the group at once, also in the product."
      rejectEffect = "They stay members, even if the identity provider sends the same list again."
      approveQuestion = "Remove \(people) from the group \(subject)?"
      rejectQuestion = "Keep \(people) in the group \(subject), even if the identity provider requests the change again?"
    case .groupDeleted:
      response = "The group is deleted. It still exists, also for reads by the identity provider."
      approveEffect = "The group is deleted at once, also in the product, and all its members leave it."
      rejectEffect = "The group and its members stay, even if the identity provider requests the change again."
      approveQuestion = "Delete the group \(subject)?"
      rejectQuestion = "Keep the group \(subject), even if the identity provider requests the change again?"
    case .userDisabled:
      response = "The person is disabled. For everybody else nothing has changed."
      approveEffect = "The person is disabled at once: out of every group, and signed out by the product."
      rejectEffect = "The person stays unchanged, even if the identity provider requests the change again."
      approveQuestion = "Disable \(subject)?"
      rejectQuestion = "Keep \(subject) unchanged, even if the identity provider requests the change again?"
    case .userDeleted:
      response = "The person is deleted. For everybody else nothing has changed."
      approveEffect = "The person and their data are deleted at once. This cannot be undone."
      rejectEffect = "The person stays unchanged, even if the identity provider requests the change again."
      approveQuestion = "Delete \(subject)? This cannot be undone."
      rejectQuestion = "Keep \(subject) unchanged, even if the identity provider requests the change again?"
    case .userEnabled, .otherDomain, .accountMatched:
      response = "The change succeeded. The person is disabled until you decide, and gets no mail."
      approveEffect =
        switch change.kind {
        case .userEnabled: "The person is enabled, if a seat is free, and is invited unless they have signed in before."
        case .accountMatched: "The person is enabled, and linked to the account."
        default: "The person is enabled, and invited unless they have signed in before."
        }
      rejectEffect = "The person stays disabled, even if the identity provider requests the change again."
      approveQuestion = "Enable \(subject)?"
      rejectQuestion = "Keep \(subject) disabled, even if the identity provider requests the change again?"
    case .roleChanged:
      response = "The change succeeded. Everything but the role was applied."
      approveEffect = "The person gets the new role at once. Nobody can administer the workspace then."
      rejectEffect = "The person keeps the role admin, even if the identity provider requests the change again."
      approveQuestion = "Take the role admin from \(subject), the last active administrator?"
      rejectQuestion = "Keep the role of \(subject), even if the identity provider requests the change again?"
    case .addressChanged:
      response = "The change succeeded. Everything but the address was applied."
      approveEffect = "The person gets the new address at once."
      rejectEffect = "The person keeps the present address, even if the identity provider requests the change again."
      approveQuestion = "Give \(subject) the new address?"
      rejectQuestion = "Keep the address of \(subject), even if the identity provider requests the change again?"
    }
  }
}

extension HeldChangesView.DecidedChange {
  init(_ change: HeldChangesQuery.Change) {
    name = change.subject
    decidedLink = change.link
    decidedEffect = change.effect
    switch change.status {
    case "approved": (verdict, tone) = ("Approved", "good")
    case "rejected": (verdict, tone) = ("Rejected", "bad")
    default: (verdict, tone) = ("Superseded", "info")
    }
    by = change.decidedBy.map { $0.hasPrefix("operator:") ? "\($0.dropFirst(9)), with scimctl" : Self.person($0) }
    time = change.decidedAt.map(Timestamp.text)
    if change.status == "rejected", change.exists {
      approval = HeldChangesView.Approval(
        path: "\(ProvisioningTab.Page.held.path)/\(change.id)/approve",
        question: "Approve this change after all? \(change.effect), if the identity provider still requests it.")
    }
  }

  private static func person(_ actor: String) -> String {
    if actor.hasPrefix("console:") { return String(actor.dropFirst(8)) }
    if actor.hasPrefix("deployment-token:") { return "The product, with a deployment-wide token" }
    return actor.hasPrefix("token:") ? "An admin, in the console" : actor
  }
}
