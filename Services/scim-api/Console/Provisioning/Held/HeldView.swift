import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// What the template of the held changes shows.
struct HeldView: Sendable {
  var tabs: [ProvisioningTab]
  var rules: [String]
  var isGuarded: Bool
  var slug: String
  var waiting: [Waiting]
  var isCalm: Bool
  var decided: [Decided]
  var hasDecided: Bool
  var pager: ProvisioningPager?

  struct Waiting: Sendable, Equatable {
    var id: String
    var subject: String
    var link: String?
    var effect: String
    var since: String
    var asked: String
    var sender: String
    /// The people who would leave the group.
    var leavers: [String]
    var hasLeavers: Bool
    var leaversHeading: String
    /// How many more there are than are named.
    var more: String?
    var told: String
    var approving: String
    var rejecting: String
    var approveQuestion: String
    var rejectQuestion: String
    var approvePath: String
    var rejectPath: String
  }

  struct Decided: Sendable, Equatable {
    var name: String
    var decidedLink: String?
    var happened: String
    var tone: String
    var verdict: String
    var by: String?
    var time: String?
    /// A rejected change can be approved while the identity provider asks for it.
    var change: Change?
  }

  struct Change: Sendable, Equatable {
    var path: String
    var question: String
  }

  static let count = 20

  /// - Parameter found: at most one more than a part has.
  init(_ found: [HeldQuery.Change], decided: [HeldQuery.Change], settings: WorkspaceSettings, tabs: [ProvisioningTab], isFirst: Bool) {
    self.tabs = tabs
    slug = settings.slug
    rules = settings.changeGuard.map(Self.rules) ?? []
    isGuarded = settings.changeGuard != nil
    let part = found.prefix(Self.count)
    waiting = part.map(Waiting.init)
    isCalm = waiting.isEmpty
    self.decided = decided.map(Decided.init)
    hasDecided = !decided.isEmpty
    let path = ProvisioningTab.Page.held.path
    pager = ProvisioningPager(
      first: isFirst ? nil : path,
      next: found.count > Self.count ? part.last.map { path + ProvisioningText.query([("after", "\($0.id)")]) } : nil)
  }

  static func rules(_ guardian: ChangeGuard) -> [String] {
    var rules: [String] = []
    if let share = guardian.maximumShrink {
      rules.append(
        "More than \(Int((share * 100).rounded())) % of a group's members leaving within \(Int(ChangeGuard.window / 60)) minutes, in "
          + "whatever way, of groups with \(ProvisioningText.number(guardian.minimumMembers)) members or more")
    }
    if let most = guardian.maximumDeactivations {
      rules.append(
        "Disabling or deleting more than \(ProvisioningText.count(most, "person", "people")) within "
          + "\(Int(ChangeGuard.window / 60)) minutes")
    }
    rules.append("When changes begin to wait, a mail goes to \(guardian.notify)")
    return rules
  }
}

extension HeldQuery.Change {
  /// What would happen, or happened.
  var effect: String {
    switch kind {
    case .membersRemoved:
      "\(ProvisioningText.number(leaving)) of \(ProvisioningText.count(members ?? 0, "member", "members")) would leave the group"
    case .groupDeleted: "The group would be deleted, with \(ProvisioningText.count(members ?? 0, "member", "members"))"
    case .userDisabled: "The person would be disabled"
    case .userDeleted: "The person would be deleted"
    }
  }

  fileprivate var link: String? {
    guard isThere else { return nil }
    return kind.isOfGroup ? ProvisioningPath.group(resource) : ProvisioningPath.member(resource)
  }

  fileprivate var subject: String { name ?? "A person who was deleted" }
}

extension HeldView.Waiting {
  init(_ change: HeldQuery.Change) {
    id = "\(change.id)"
    subject = change.subject
    link = change.link
    effect = change.effect
    since = Timestamp.text(change.heldAt)
    asked = Timestamp.text(change.askedAt)
    sender = change.token ?? change.requestedBy
    leavers = change.leavers
    hasLeavers = !leavers.isEmpty
    leaversHeading = change.leaving == 1 ? "Who would leave" : "The \(ProvisioningText.number(change.leaving)) people who would leave"
    let left = change.leaving - leavers.count
    more = left > 0 ? "and \(ProvisioningText.number(left)) more; scimctl held show \(change.id) names them all" : nil
    approvePath = "\(ProvisioningTab.Page.held.path)/\(change.id)/approve"
    rejectPath = "\(ProvisioningTab.Page.held.path)/\(change.id)/reject"
    switch change.kind {
    case .membersRemoved:
      let people = ProvisioningText.count(change.leaving, "person", "people")
      told = "that the group was changed as it had asked. The members who stay are still in the group it reads back."
      approving = "The \(people) leave the group at once, also in the product."
      rejecting = "They stay members, also when the identity provider sends the same list again."
      approveQuestion = "Let \(people) leave the group \(subject)?"
      rejectQuestion = "Keep \(people) in the group \(subject), whatever the identity provider says?"
    case .groupDeleted:
      told = "that the group is deleted. It goes on as before, also in what the identity provider reads."
      approving = "The group is deleted at once, also in the product, and all its members leave it."
      rejecting = "The group and its members stay, also when the identity provider asks for the same again."
      approveQuestion = "Delete the group \(subject)?"
      rejectQuestion = "Keep the group \(subject), whatever the identity provider says?"
    case .userDisabled:
      told = "that the person is disabled. To everybody else they go on as before."
      approving = "The person is disabled at once: out of every group, and signed out by the product."
      rejecting = "The person stays as they are, also when the identity provider asks for the same again."
      approveQuestion = "Disable \(subject)?"
      rejectQuestion = "Leave \(subject) as they are, whatever the identity provider says?"
    case .userDeleted:
      told = "that the person is deleted. To everybody else they go on as before."
      approving = "The person and their data are deleted at once. That cannot be undone."
      rejecting = "The person stays as they are, also when the identity provider asks for the same again."
      approveQuestion = "Delete \(subject)? That cannot be undone."
      rejectQuestion = "Leave \(subject) as they are, whatever the identity provider says?"
    }
  }
}

extension HeldView.Decided {
  init(_ change: HeldQuery.Change) {
    name = change.subject
    decidedLink = change.link
    happened = change.effect
    switch change.status {
    case "approved": (verdict, tone) = ("Approved", "good")
    case "rejected": (verdict, tone) = ("Rejected", "bad")
    default: (verdict, tone) = ("No longer asked for", "info")
    }
    by = change.decidedBy.map { $0.hasPrefix("operator:") ? "\($0.dropFirst(9)), with scimctl" : Self.person($0) }
    time = change.decidedAt.map(Timestamp.text)
    if change.status == "rejected", change.isThere {
      self.change = HeldView.Change(
        path: "\(ProvisioningTab.Page.held.path)/\(change.id)/approve",
        question: "Approve this after all? \(change.effect), if the identity provider still asks for it.")
    }
  }

  private static func person(_ actor: String) -> String {
    actor.hasPrefix("console:") ? String(actor.dropFirst(8)) : actor.hasPrefix("token:") ? "An admin, in the console" : actor
  }
}
