import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIMStorage

/// What the drift page's template shows.
struct DriftView: Sendable {
  var tabs: [ProvisioningTab]
  var days: Int
  var wrong: String?
  var kinds: [Kind]
  /// `people`, `groups`.
  var what: String
  var rows: [Row]
  var isEmpty: Bool
  var pager: ProvisioningPager?

  struct Kind: Sendable, Equatable {
    var label: String
    var path: String
    var isShown: Bool
    var total: String
  }

  struct Row: Sendable, Equatable {
    var path: String
    var subject: String
    var state: String?
    var tone: String
    var pushedOn: String
    var ago: String
  }

  /// How many a part of the list has.
  static let count = 50
  /// How far they are counted.
  static let most = 1000
  static let defaultDays = 30
  static let allowedDays = 1...3650

  /// - Parameters:
  ///   - found: at most one more than a part has.
  ///   - totals: how many of each kind there are, counted up to one more than ``most``.
  init(
    _ kind: ResourceKind, days: Int, wrong: String? = nil, found: [DriftQuery.Found], totals: [ResourceKind: Int], tabs: [ProvisioningTab],
    isFirst: Bool, at now: Date
  ) {
    self.tabs = tabs
    self.days = days
    self.wrong = wrong
    what = Self.word(kind)
    kinds = ResourceKind.allCases.map { each in
      let total = totals[each] ?? 0
      return Kind(
        label: each == .user ? "People" : "Groups", path: Self.path(each, days), isShown: each == kind,
        total: total > Self.most ? "\(ProvisioningText.number(Self.most))+" : ProvisioningText.number(total))
    }
    let part = found.prefix(Self.count)
    rows = part.map { Row($0, kind, at: now) }
    isEmpty = rows.isEmpty
    pager = ProvisioningPager(
      first: isFirst ? nil : Self.path(kind, days),
      next: found.count > Self.count
        ? part.last.map { Self.path(kind, days, after: DriftQuery.Place(pushedOn: $0.pushedOn, id: $0.id)) } : nil)
  }

  static func word(_ kind: ResourceKind) -> String { kind == .user ? "people" : "groups" }

  private static func path(_ kind: ResourceKind, _ days: Int, after place: DriftQuery.Place? = nil) -> String {
    "\(ConsoleSection.provisioning.path)/drift"
      + ProvisioningText.query([("days", "\(days)"), ("kind", kind == .user ? nil : word(kind)), ("after", place?.text)])
  }
}

extension DriftView.Row {
  init(_ found: DriftQuery.Found, _ kind: ResourceKind, at now: Date) {
    path = kind == .user ? ProvisioningPath.member(found.id) : ProvisioningPath.group(found.id)
    subject = found.name
    state = found.state.map { $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst() }
    tone = found.state == .active ? "good" : "info"
    pushedOn = found.pushedOn
    let pushed = ProvisioningText.date(ofDay: found.pushedOn) ?? now
    let days = Int(ProvisioningText.startOfDay(now).timeIntervalSince(pushed) / 86_400)
    ago = "\(ProvisioningText.count(days, "day", "days")) ago"
  }
}
