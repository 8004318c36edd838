import EdgeHTTP
import Foundation
import Models
import ProvisioningLog

/// The events of a member, newest first.
package struct Timeline: Sendable {
  /// An event. Its time has millisecond precision, because some sources have no more.
  package struct Event: Sendable, Equatable {
    /// When it happened.
    package var at: Date
    /// What happened.
    package var kind: Kind
  }

  /// The kind of an event.
  package enum Kind: Sendable, Equatable {
    /// A request of the identity provider.
    case pushed(LogEntry)
    /// A new state of an invitation.
    case mailed(InvitationState, reason: String)
    /// The member was created.
    case added
    /// The first sign-in.
    case firstSignedIn
    /// The last known sign-in after the first.
    case lastSignedIn
    /// A change that is held for approval.
    case held(HeldChangeKind, by: String)
    /// A held change that an admin approved or rejected.
    case decided(HeldChangeKind, HeldChangeDecision.Verdict, by: String)
    /// A held change that a later one replaced.
    case superseded(HeldChangeKind)
    /// A disabled or deleted member's loss of access.
    case accessEnded(DeprovisionReceipt)
    /// The member was deleted.
    case deleted
  }

  /// The default number of events on a page.
  package static let pageSize = 25

  /// The events of the page.
  package var events: [Event]
  /// The time before which the next page starts; nil on the last page.
  package var next: Date?

  /// Merges the newest events of several sources, which return up to `limit` + 1 each. Events with the same time are on the same page,
  /// because a page starts after a time.
  package init(merging sources: [[Event]], limit: Int = pageSize) {
    let all = sources.joined().map { Event(at: Self.truncated($0.at), kind: $0.kind) }
      .enumerated().sorted { ($1.element.at, $0.offset) < ($0.element.at, $1.offset) }.map(\.element)
    guard all.count > limit else {
      events = all
      return
    }
    let last = all[limit - 1].at
    events = Array(all.prefix { $0.at >= last })
    next = events.count < all.count ? last : nil
  }

  /// A time truncated to milliseconds.
  static func truncated(_ date: Date) -> Date { Date(timeIntervalSince1970: (date.timeIntervalSince1970 * 1000).rounded(.down) / 1000) }

  /// The texts of the events that name actors.
  package var actorTexts: [String] {
    events.compactMap { event in
      switch event.kind {
      case .mailed(_, let reason): reason
      case .held(_, let who), .decided(_, _, let who): who
      case .pushed, .added, .firstSignedIn, .lastSignedIn, .superseded, .accessEnded, .deleted: nil
      }
    }
  }
}
