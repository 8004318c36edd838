import EdgeHTTP
import EdgeReads
import Foundation
import MailTemplates
import Models
import SCIM

/// What the template of a member's page shows; named so that what a part does not have is not looked for further out.
struct MemberView: Sendable {
  var memberID: String
  var memberName: String
  var stateTone: String
  var stateName: String
  var address: String?
  var profile: [Line]
  var facts: [ResourceAttributes.Fact]
  var document: String
  var groups: [Group]
  var hasGroups: Bool
  var hasMoreGroups: Bool
  /// Of somebody invited.
  var actions: MembersView.Actions?
  var signInLink: String?
  var hasInvitations: Bool
  var current: Invitation?
  var earlier: [Invitation]
  var hasEarlier: Bool
  /// Whether the invitation's state is about to change.
  var isLive: Bool
  var timeline: TimelineView

  struct Line: Sendable, Equatable {
    var lineName: String
    var lineText: String?
    var lineTime: String?
  }

  struct Group: Sendable, Equatable {
    var groupPath: String
    var groupName: String
    var standingTone: String
    var standingName: String
    var why: String?
  }

  struct Invitation: Sendable, Equatable {
    var words: InvitationWords
    var madeAt: String
    var changedAt: String
    var sentAt: String?
    var expiresAt: String?
  }

  /// For so many seconds after an order the page is looked at anew until the order shows.
  private static let patience: TimeInterval = 60

  /// - Parameters:
  ///   - invitations: the latest first.
  ///   - orderedAt: when this page had something done about the invitation.
  init(
    _ member: StoredMember, groups standings: [MembershipInGroup], invitations: [StoredInvitation], timeline: TimelineView,
    workspace: WorkspaceSettings, actors: ActorNames = ActorNames(), orderedAt: Date? = nil, at now: Date
  ) throws {
    let body = try JSON(parsing: member.resource.document + Array("}}".utf8))
    memberID = "\(member.id)"
    memberName = member.name.shown
    (stateTone, stateName) = (member.state.tone, member.state.title)
    address = member.email
    profile = Self.profile(of: member)
    facts = body.object.map(ResourceAttributes.facts) ?? []
    document = body.pretty
    groups = standings.prefix(MemberQuery.maximumGroups).map { Group($0, of: member.state) }
    hasGroups = !groups.isEmpty
    hasMoreGroups = standings.count > groups.count
    let isInvited = member.state == .invited
    actions = isInvited ? MembersView.Actions(member.id, name: member.name.shown, invitation: invitations.first) : nil
    signInLink = isInvited ? WorkspaceNotice(workspace).link : nil
    let told = invitations.map { Invitation($0, actors: actors, at: now) }
    hasInvitations = !told.isEmpty
    current = told.first
    earlier = Array(told.dropFirst())
    hasEarlier = !earlier.isEmpty
    self.timeline = timeline
    let isUnderWay =
      invitations.first.map { latest in
        latest.state == .sending || latest.state == .scheduled && !latest.isDigest && (latest.nextAttemptAt ?? .distantFuture) <= now
      } ?? false
    let isOrdered =
      orderedAt.map { ordered in
        (0..<Self.patience).contains(now.timeIntervalSince(ordered)) && (invitations.map(\.changedAt).max() ?? .distantPast) < ordered
      } ?? false
    isLive = isInvited && (isUnderWay || isOrdered)
  }

  private static func profile(of member: StoredMember) -> [Line] {
    func text(_ name: String, _ text: String?) -> Line? { text.flatMap { $0.isEmpty ? nil : Line(lineName: name, lineText: $0) } }
    func time(_ name: String, _ date: Date?) -> Line? { date.map { Line(lineName: name, lineTime: Timestamp.text($0)) } }
    // What came before the first sign-in was somebody else's who had the userName.
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
  init(_ standing: MembershipInGroup, of state: UserState) {
    groupPath = "\(ConsoleSection.groups.path)/\(standing.group)"
    groupName = standing.name
    switch standing.standing {
    case .visible: (standingTone, standingName, why) = ("good", "Visible", nil)
    case .pending: (standingTone, standingName, why) = ("info", "Pending", standing.waitsFor.map { "Waits for \($0)." })
    case .held: (standingTone, standingName, why) = ("warn", "Held", standing.waitsFor.map { "Waits \($0)." })
    case nil: (standingTone, standingName, why) = ("info", "Pending", "The product is about to be told.")
    }
  }
}

extension MemberView.Invitation {
  init(_ invitation: StoredInvitation, actors: ActorNames, at now: Date) {
    words = InvitationWords(invitation, at: now, actors: actors)
    madeAt = Timestamp.text(invitation.createdAt)
    changedAt = Timestamp.text(invitation.changedAt)
    sentAt = invitation.sentAt.map(Timestamp.text)
    let isOpen = [.scheduled, .sending, .sent, .delivered].contains(invitation.state)
    expiresAt = isOpen ? invitation.expiresAt.map(Timestamp.text) : nil
  }
}

/// A part of a timeline.
struct TimelineView: Sendable {
  var events: [TimelineWords]
  var hasEvents: Bool
  var newestPath: String?
  var olderPath: String?

  /// - Parameter path: of what is older than a moment.
  init(_ timeline: Timeline, of member: UserID, isOlder: Bool, actors: ActorNames, _ path: (Date) -> String) {
    events = timeline.events.map { TimelineWords($0, actors: actors) }
    hasEvents = !events.isEmpty
    newestPath = isOlder ? "\(MemberPage.path(of: member))#timeline" : nil
    olderPath = timeline.next.map(path)
  }
}

/// What the template of a deleted member's page shows.
struct DeletedMemberView: Sendable {
  var memberID: String
  var deletedAt: String
  var successorPath: String?
  var successorName: String?
  var receipts: [Receipt]
  var hasReceipts: Bool
  var timeline: TimelineView

  struct Receipt: Sendable, Equatable {
    var receiptID: String
    var revokedAt: String
    var reasonName: String
    var lostGroups: String?
  }

  init(_ id: UserID, _ remains: Remains, receipts found: [DeprovisionReceipt], timeline: TimelineView) {
    memberID = "\(id)"
    deletedAt = Timestamp.text(remains.deletedAt)
    successorPath = remains.successor.map { MemberPage.path(of: $0.id.user) }
    successorName = remains.successor?.userName
    receipts = found.map { receipt in
      let names = receipt.groups.prefix(20).map { $0.displayName ?? "\($0.id)" }.joined(separator: ", ")
      let more = receipt.groups.count > 20 ? " and \(MembersView.count(receipt.groups.count - 20)) more" : ""
      return Receipt(
        receiptID: "\(receipt.id)", revokedAt: Timestamp.text(receipt.revokedAt), reasonName: receipt.reason.rawValue.beginningUpperCase,
        lostGroups: names.isEmpty ? nil : names + more)
    }
    hasReceipts = !receipts.isEmpty
    self.timeline = timeline
  }
}
