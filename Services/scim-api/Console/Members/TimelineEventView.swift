import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// The view model of an event.
struct TimelineEventView: Sendable, Equatable {
  var eventAt: String
  /// The colour of the event: good, bad, or empty.
  var eventTone: String
  var eventTitle: String
  var eventDetail: String?
  /// The path of the page with details.
  var eventPath: String?
  var eventPathName: String?

  /// - Parameter actors: the names of the actors in the event.
  init(_ event: Timeline.Event, actors: ActorNames = ActorNames()) {
    eventAt = Timestamp.text(event.at)
    eventTone = ""
    switch event.kind {
    case .pushed(let entry):
      eventTone = entry.isFailure ? "bad" : ""
      eventTitle = Self.title(of: entry)
      eventDetail = entry.isFailure ? entry.detail : Self.unappliedDetail(of: entry)
      eventPath = ProvisioningPath.entry(entry.id)
      eventPathName = "Log entry"
    case .mailed(let state, let reason):
      eventTone = ["good", "bad"].contains(InvitationStatusView.tone(of: state)) ? InvitationStatusView.tone(of: state) : ""
      eventTitle = "Invitation: \(InvitationStatusView.label(of: state).lowercasedFirst)"
      eventDetail = reason.isEmpty ? nil : actors.displayText(reason).capitalisedFirst
    case .added: eventTitle = "Added"
    case .firstSignedIn: (eventTone, eventTitle) = ("good", "Signed in for the first time")
    case .lastSignedIn: (eventTone, eventTitle) = ("good", "Most recent sign-in")
    case .held(let kind, let who):
      eventTitle = "Held for approval: \(kind.description)"
      eventDetail = "Requested by \(actors.displayText(who))."
      (eventPath, eventPathName) = (Self.heldPath, "Held changes")
    case .decided(let kind, let verdict, let who):
      eventTone = verdict == .approve ? "good" : "bad"
      eventTitle = "\(verdict == .approve ? "Approved" : "Rejected"): \(kind.description)"
      eventDetail = "By \(actors.displayText(who))."
      (eventPath, eventPathName) = (Self.heldPath, "Held changes")
    case .superseded(let kind):
      eventTitle = "Superseded: \(kind.description)"
      eventDetail = "A later change of the identity provider replaced it."
    case .accessEnded(let receipt):
      eventTitle = receipt.reason == .deleted ? "Access ended: deleted" : "Access ended: disabled"
      eventDetail = Self.detail(of: receipt)
    case .deleted: eventTitle = "Deleted"
    }
  }

  private static let heldPath = ProvisioningTab.Page.held.path

  /// The attributes of a request that were not applied; nil if all were.
  private static func unappliedDetail(of entry: LogEntry) -> String? {
    guard entry.isPartlyApplied else { return nil }
    return "Partly applied. Not applied: \(entry.unapplied.map(\.path).joined(separator: ", "))."
  }

  /// The sender of a request, what it did or tried to do, and the status of a failure.
  private static func title(of entry: LogEntry) -> String {
    let sender = entry.identityProvider.map(ConsoleText.identityProvider) ?? "The identity provider"
    let (done, attempted) =
      switch (entry.method, entry.path.hasSuffix("/Users")) {
      case ("POST", true) where entry.relink == .reassigned: ("reassigned their user name and record to another person", "add them")
      case ("POST", true) where entry.relink != nil: ("added them again, under the same id", "add them")
      case ("POST", true): ("added them", "add them")
      case ("DELETE", _): ("deleted them", "delete them")
      case ("PUT", _), ("PATCH", _): ("updated them", "update them")
      default: ("sent \(entry.method) \(entry.path)", "send \(entry.method) \(entry.path)")
      }
    let again = entry.replayOf == nil ? "" : ", resent by an admin"
    return entry.isFailure ? "\(sender) tried to \(attempted): rejected with \(entry.status)\(again)" : "\(sender) \(done)\(again)"
  }

  /// The content of a receipt.
  static func detail(of receipt: DeprovisionReceipt) -> String {
    var sentences: [String] = []
    let lost = receipt.groups.filter(\.wasVisible).map { $0.displayName ?? "\($0.id)" }
    switch lost.count {
    case 0: sentences.append("They were visible in no group.")
    case ...5: sentences.append("No longer visible in \(lost.joined(separator: ", ")).")
    default:
      sentences.append("No longer visible in \(lost.prefix(5).joined(separator: ", ")) and \(ConsoleText.number(lost.count - 5)) more.")
    }
    if receipt.invitationRevoked { sentences.append("Their invitation was revoked.") }
    sentences.append("Receipt \(receipt.id).")
    return sentences.joined(separator: " ")
  }
}

extension HeldChangeKind {
  fileprivate var description: String {
    switch self {
    case .membersRemoved: "removing members from a group"
    case .groupDeleted: "deleting a group"
    case .userDisabled: "disabling them"
    case .userDeleted: "deleting them"
    case .userEnabled: "enabling them beyond the seat limit"
    case .roleChanged: "changing the role of the last administrator"
    case .otherDomain: "enabling them with an address in another domain"
    case .addressChanged: "giving them an address in another domain"
    case .accountMatched: "enabling them beside an existing account"
    }
  }
}
