import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// What happened to a person, the latest first, of all that the services remember.
struct Timeline: Sendable {
  /// To the millisecond, as the oldest of its sources has it.
  struct Event: Sendable, Equatable {
    var at: Date
    var what: What
  }

  enum What: Sendable, Equatable {
    /// The identity provider sent something about them.
    case pushed(LogEntry)
    case mailed(InvitationState, reason: String)
    case cameToBe
    case firstSignedIn
    case lastSignedIn
    case held(HeldChangeKind, by: String)
    case decided(HeldChangeKind, HeldChangeDecision.Verdict, by: String)
    /// A later change of the identity provider took the held one's place.
    case superseded(HeldChangeKind)
    case accessEnded(DeprovisionReceipt)
    case deleted
  }

  /// How many of them a page shows.
  static let size = 25

  var events: [Event]
  /// What comes next is older than this; nil where nothing does.
  var next: Date?

  /// The latest of what each source found, ``size`` + 1 of its latest at the most. Of one moment all are shown together, so that a page can
  /// go on behind it.
  init(merging sources: [[Event]]) {
    let all = sources.joined().map { Event(at: Self.moment($0.at), what: $0.what) }
      .enumerated().sorted { ($1.element.at, $0.offset) < ($0.element.at, $1.offset) }.map(\.element)
    guard all.count > Self.size else {
      events = all
      return
    }
    let last = all[Self.size - 1].at
    events = Array(all.prefix { $0.at >= last })
    next = events.count < all.count ? last : nil
  }

  /// To the millisecond.
  static func moment(_ date: Date) -> Date { Date(timeIntervalSince1970: (date.timeIntervalSince1970 * 1000).rounded(.down) / 1000) }
}

/// An event in words.
struct TimelineWords: Sendable, Equatable {
  var eventAt: String
  /// good, bad or nothing in particular.
  var eventTone: String
  var eventTitle: String
  var eventDetail: String?
  /// Where there is more about it.
  var eventPath: String?
  var eventPathName: String?

  /// - Parameter actors: what those are called that the event names.
  init(_ event: Timeline.Event, actors: ActorNames = ActorNames()) {
    eventAt = Timestamp.text(event.at)
    eventTone = ""
    switch event.what {
    case .pushed(let entry):
      eventTone = entry.isFailure ? "bad" : ""
      eventTitle = Self.title(of: entry)
      eventDetail = entry.isFailure ? entry.detail : Self.partly(entry)
      eventPath = "\(ConsoleSection.provisioning.path)/entries/\(entry.id)"
      eventPathName = "Log entry"
    case .mailed(let state, let reason):
      eventTone = ["good", "bad"].contains(InvitationWords.tone(of: state)) ? InvitationWords.tone(of: state) : ""
      eventTitle = "Invitation: \(InvitationWords.label(of: state).beginningLowerCase)"
      eventDetail = reason.isEmpty ? nil : actors.spelled(reason).beginningUpperCase
    case .cameToBe: eventTitle = "Added"
    case .firstSignedIn: (eventTone, eventTitle) = ("good", "Signed in for the first time")
    case .lastSignedIn: (eventTone, eventTitle) = ("good", "Signed in, for the last time until now")
    case .held(let kind, let who):
      eventTitle = "Held for approval: \(kind.words)"
      eventDetail = "Asked for by \(actors.spelled(who))."
      (eventPath, eventPathName) = (Self.heldPath, "Held changes")
    case .decided(let kind, let verdict, let who):
      eventTone = verdict == .approve ? "good" : "bad"
      eventTitle = "\(verdict == .approve ? "Approved" : "Rejected"): \(kind.words)"
      eventDetail = "By \(actors.spelled(who))."
      (eventPath, eventPathName) = (Self.heldPath, "Held changes")
    case .superseded(let kind):
      eventTitle = "No longer held: \(kind.words)"
      eventDetail = "A later change of the identity provider took its place."
    case .accessEnded(let receipt):
      eventTitle = receipt.reason == .deleted ? "Access ended: deleted" : "Access ended: disabled"
      eventDetail = Self.detail(of: receipt)
    case .deleted: eventTitle = "Deleted"
    }
  }

  private static let heldPath = "\(ConsoleSection.provisioning.path)/held"

  /// What of a request was not applied, if anything.
  private static func partly(_ entry: LogEntry) -> String? {
    guard entry.isPartlyApplied else { return nil }
    return "Partly applied. Not applied: \(entry.unapplied.map(\.path).joined(separator: ", "))."
  }

  /// Who asked for what, and whether they got it.
  private static func title(of entry: LogEntry) -> String {
    let who = entry.identityProvider.map(name) ?? "The identity provider"
    let (done, asked) =
      switch (entry.method, entry.path.hasSuffix("/Users")) {
      case ("POST", true) where entry.relink == .reassigned: ("gave their user name and record to somebody else", "add them")
      case ("POST", true) where entry.relink != nil: ("added them again, under the same id", "add them")
      case ("POST", true): ("added them", "add them")
      case ("DELETE", _): ("deleted them", "delete them")
      case ("PUT", _), ("PATCH", _): ("updated them", "update them")
      default: ("sent \(entry.method) \(entry.path)", "send \(entry.method) \(entry.path)")
      }
    let again = entry.replayOf == nil ? "" : ", sent again by an admin"
    return entry.isFailure ? "\(who) tried to \(asked): refused with \(entry.status)\(again)" : "\(who) \(done)\(again)"
  }

  private static func name(of provider: String) -> String {
    switch provider {
    case "okta": "Okta"
    case "entra": "Entra ID"
    case "onelogin": "OneLogin"
    default: provider
    }
  }

  static func detail(of receipt: DeprovisionReceipt) -> String {
    var sentences: [String] = []
    let lost = receipt.groups.filter(\.wasVisible).map { $0.displayName ?? "\($0.id)" }
    switch lost.count {
    case 0: sentences.append("They were visible in no group.")
    case ...5: sentences.append("No longer visible in \(lost.joined(separator: ", ")).")
    default:
      sentences.append("No longer visible in \(lost.prefix(5).joined(separator: ", ")) and \(MembersView.count(lost.count - 5)) more.")
    }
    if receipt.invitationRevoked { sentences.append("Their invitation was revoked.") }
    sentences.append("Receipt \(receipt.id).")
    return sentences.joined(separator: " ")
  }
}

extension HeldChangeKind {
  fileprivate var words: String {
    switch self {
    case .membersRemoved: "members leave a group"
    case .groupDeleted: "a group is deleted"
    case .userDisabled: "disabling them"
    case .userDeleted: "deleting them"
    }
  }
}

extension String {
  fileprivate var beginningLowerCase: String { prefix(1).lowercased() + dropFirst() }
}
