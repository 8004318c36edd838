import EdgeHTTP
import EdgeReads
import Foundation
import MailTemplates
import Models
import SCIM

/// The view model of a member's page.
///
/// The templates look up a missing property in the enclosing values, so that the names of nested values differ from those around them.
struct MemberView: Sendable {
  var memberID: String
  var memberName: String
  var stateTone: String
  var stateName: String
  var address: String?
  var profile: [Line]
  var attributes: [ResourceAttributes.Attribute]
  var document: String
  var groups: [Group]
  var hasGroups: Bool
  var hasMoreGroups: Bool
  /// The account of the product; nil if the product has imported none.
  var productAccount: ProductAccount?
  /// The actions on the invitation of an invited member.
  var actions: MembersView.Actions?
  var signInLink: String?
  var hasInvitations: Bool
  var current: Invitation?
  var earlier: [Invitation]
  var hasEarlier: Bool
  /// Whether the page refreshes because the invitation's state is about to change.
  var isLive: Bool
  var timeline: TimelineView

  /// A line of the profile: text or a time.
  struct Line: Sendable, Equatable {
    var lineName: String
    var lineText: String?
    var lineTime: String?
  }

  /// A group of the member.
  struct Group: Sendable, Equatable {
    var groupPath: String
    var groupName: String
    var statusTone: String
    var statusName: String
    var reason: String?
  }

  /// The account of the product that the member is linked to, and the form that links one.
  struct ProductAccount: Sendable, Equatable {
    /// nil if the member is linked to none.
    var linkedAccount: String?
    var unlinkQuestion: String
    /// The account that was entered and could not be linked.
    var enteredAccount: String?
  }

  /// An invitation of the member.
  struct Invitation: Sendable, Equatable {
    var status: InvitationStatusView
    var createdAt: String
    var changedAt: String
    var sentAt: String?
    var expiresAt: String?
  }

  /// How long the page refreshes after an order until it takes effect, in seconds.
  private static let refreshPeriod: TimeInterval = 60

  /// - Parameters:
  ///   - invitations: newest first.
  ///   - orderedAt: when an action on the invitation was ordered from this page.
  ///   - hasAccounts: whether the product has imported accounts.
  ///   - enteredAccount: the account that was entered and could not be linked.
  init(
    _ member: StoredMember, groups memberships: [GroupMembership], invitations: [StoredInvitation], timeline: TimelineView,
    workspace: WorkspaceSettings, actors: ActorNames = ActorNames(), orderedAt: Date? = nil, hasAccounts: Bool = false,
    enteredAccount: String? = nil, at now: Date
  ) throws {
    let body = try JSON(parsing: member.resource.document + Array("}}".utf8))
    memberID = "\(member.id)"
    memberName = member.name.text
    (stateTone, stateName) = (member.state.tone, member.state.title)
    address = member.email
    profile = Self.profile(of: member)
    attributes = body.object.map(ResourceAttributes.attributes) ?? []
    document = body.pretty
    groups = memberships.prefix(MemberQuery.maximumGroups).map { Group($0, of: member.state) }
    hasGroups = !groups.isEmpty
    hasMoreGroups = memberships.count > groups.count
    if hasAccounts || member.accountID != nil {
      productAccount = ProductAccount(
        linkedAccount: member.accountID,
        unlinkQuestion: "Remove the link of \(member.name.text)? Their state stays, and events no longer have the id of the account.",
        enteredAccount: enteredAccount)
    }
    let isInvited = member.state == .invited
    actions = isInvited ? MembersView.Actions(member.id, name: member.name.text, invitation: invitations.first) : nil
    signInLink = isInvited ? WorkspaceNotice(workspace).link : nil
    let views = invitations.map { Invitation($0, actors: actors, at: now) }
    hasInvitations = !views.isEmpty
    current = views.first
    earlier = Array(views.dropFirst())
    hasEarlier = !earlier.isEmpty
    self.timeline = timeline
    let isSending =
      invitations.first.map { latest in
        latest.state == .sending || latest.state == .scheduled && !latest.isDigest && (latest.nextAttemptAt ?? .distantFuture) <= now
      } ?? false
    let isOrdered =
      orderedAt.map { ordered in
        (0..<Self.refreshPeriod).contains(now.timeIntervalSince(ordered)) && (invitations.map(\.changedAt).max() ?? .distantPast) < ordered
      } ?? false
    isLive = isInvited && (isSending || isOrdered)
  }

  private static func profile(of member: StoredMember) -> [Line] {
    func text(_ name: String, _ text: String?) -> Line? { text.flatMap { $0.isEmpty ? nil : Line(lineName: name, lineText: $0) } }
    func time(_ name: String, _ date: Date?) -> Line? { date.map { Line(lineName: name, lineTime: Timestamp.text($0)) } }
    // Sign-ins before the first belong to another person who had the userName.
    let lastSignedInAt = member.firstSignedInAt.map { max($0, member.lastSignedInAt ?? $0) }
    let lines = [
      text("Email", member.email), text("Role", member.role), text("Language", member.language), text("userName", member.name.userName),
      text("externalId", member.externalID), text("Id", "\(member.id)"), time("Added", member.createdAt),
      time("Last changed", member.resource.modifiedAt), time("First signed in", member.firstSignedInAt),
      time("Last signed in", lastSignedInAt),
    ]
    return lines.compactMap { $0 }
  }
}

extension MemberView.Line {
  fileprivate init(lineName: String, lineText: String) { self.init(lineName: lineName, lineText: lineText, lineTime: nil) }

  fileprivate init(lineName: String, lineTime: String) { self.init(lineName: lineName, lineText: nil, lineTime: lineTime) }
}

extension MemberView.Group {
  init(_ membership: GroupMembership, of state: UserState) {
    groupPath = GroupsController.path(of: membership.group)
    groupName = membership.name
    statusName = (membership.status ?? .pending).title
    switch membership.status {
    case .visible: (statusTone, reason) = ("good", nil)
    case .pending: (statusTone, reason) = ("info", membership.waitsFor.map { "Waits for \($0)." })
    case .held: (statusTone, reason) = ("warn", membership.waitsFor.map { "Waits \($0)." })
    case nil: (statusTone, reason) = ("info", "The product has not processed the membership yet.")
    }
  }
}

extension MemberView.Invitation {
  init(_ invitation: StoredInvitation, actors: ActorNames, at now: Date) {
    status = InvitationStatusView(invitation, at: now, actors: actors)
    createdAt = Timestamp.text(invitation.createdAt)
    changedAt = Timestamp.text(invitation.changedAt)
    sentAt = invitation.sentAt.map(Timestamp.text)
    let isOpen = [.scheduled, .sending, .sent, .delivered].contains(invitation.state)
    expiresAt = isOpen ? invitation.expiresAt.map(Timestamp.text) : nil
  }
}

/// A page of a member's timeline.
struct TimelineView: Sendable {
  var events: [TimelineEventView]
  var hasEvents: Bool
  var newestPath: String?
  var olderPath: String?

  /// - Parameter path: returns the path of the page with events before a time.
  init(_ timeline: Timeline, of member: UserID, isOlder: Bool, actors: ActorNames, _ path: (Date) -> String) {
    events = timeline.events.map { TimelineEventView($0, actors: actors) }
    hasEvents = !events.isEmpty
    newestPath = isOlder ? "\(MembersController.path(of: member))#timeline" : nil
    olderPath = timeline.next.map(path)
  }
}

/// The view model of a deleted member's page.
struct DeletedMemberView: Sendable {
  var memberID: String
  var deletedAt: String
  var successorPath: String?
  var successorName: String?
  var receipts: [Receipt]
  var hasReceipts: Bool
  var timeline: TimelineView

  /// A deprovisioning receipt.
  struct Receipt: Sendable, Equatable {
    var receiptID: String
    var revokedAt: String
    var reasonName: String
    var lostGroups: String?
  }

  init(_ id: UserID, _ deleted: DeletedResource, receipts found: [DeprovisionReceipt], timeline: TimelineView) {
    memberID = "\(id)"
    deletedAt = Timestamp.text(deleted.deletedAt)
    successorPath = deleted.successor.map { MembersController.path(of: UserID($0.id.uuid)) }
    successorName = deleted.successor?.userName
    receipts = found.map { receipt in
      let names = receipt.groups.prefix(20).map { $0.displayName ?? "\($0.id)" }.joined(separator: ", ")
      let more = receipt.groups.count > 20 ? " and \(ConsoleText.number(receipt.groups.count - 20)) more" : ""
      return Receipt(
        receiptID: "\(receipt.id)", revokedAt: Timestamp.text(receipt.revokedAt), reasonName: receipt.reason.rawValue.capitalisedFirst,
        lostGroups: names.isEmpty ? nil : names + more)
    }
    hasReceipts = !receipts.isEmpty
    self.timeline = timeline
  }
}
