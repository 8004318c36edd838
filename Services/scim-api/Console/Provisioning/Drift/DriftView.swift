import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIMStorage

/// The view model of the drift page.
struct DriftView: Sendable {
  var tabs: [ProvisioningTab]
  var days: Int
  var error: String?
  var kinds: [Kind]
  /// The noun for the listed resources: `people` or `groups`.
  var noun: String
  var rows: [Row]
  var isEmpty: Bool
  var pager: Pager?

  /// A link to the list of users or groups.
  struct Kind: Sendable, Equatable {
    var label: String
    var path: String
    var isCurrent: Bool
    var total: String
  }

  /// A resource in the list.
  struct Row: Sendable, Equatable {
    var path: String
    var subject: String
    var state: String?
    var tone: String
    var pushedOn: String
    var ago: String
  }

  /// The number of resources on a page.
  static let pageSize = 50
  /// The number up to which resources are counted.
  static let maximumCounted = 1000
  static let defaultDays = 30
  static let allowedDays = 1...3650

  /// - Parameters:
  ///   - found: up to one more than ``pageSize``.
  ///   - totals: the number of resources by kind, counted up to one more than ``maximumCounted``.
  init(
    _ kind: ResourceKind, days: Int, error: String? = nil, found: [DriftQuery.Resource], totals: [ResourceKind: Int],
    tabs: [ProvisioningTab],
    isFirst: Bool, at now: Date
  ) {
    self.tabs = tabs
    self.days = days
    self.error = error
    noun = Self.noun(for: kind)
    kinds = ResourceKind.allCases.map { each in
      let total = totals[each] ?? 0
      return Kind(
        label: each == .user ? "People" : "Groups", path: Self.path(each, days), isCurrent: each == kind,
        total: total > Self.maximumCounted ? "\(ConsoleText.number(Self.maximumCounted))+" : ConsoleText.number(total))
    }
    let page = found.prefix(Self.pageSize)
    rows = page.map { Row($0, kind, at: now) }
    isEmpty = rows.isEmpty
    pager = Pager(
      ifNeeded: isFirst ? nil : Self.path(kind, days),
      next: found.count > Self.pageSize
        ? page.last.map { Self.path(kind, days, after: DriftQuery.Cursor(pushedOn: $0.pushedOn, id: $0.id)) } : nil)
  }

  /// The noun for resources of a kind, which is also the value of the query parameter.
  static func noun(for kind: ResourceKind) -> String { kind == .user ? "people" : "groups" }

  private static func path(_ kind: ResourceKind, _ days: Int, after cursor: DriftQuery.Cursor? = nil) -> String {
    "\(ConsoleSection.provisioning.path)/drift"
      + ConsoleText.query([("days", "\(days)"), ("kind", kind == .user ? nil : noun(for: kind)), ("after", cursor?.text)])
  }
}

extension DriftView.Row {
  init(_ resource: DriftQuery.Resource, _ kind: ResourceKind, at now: Date) {
    path = kind == .user ? ProvisioningPath.member(resource.id) : ProvisioningPath.group(resource.id)
    subject = resource.name
    state = resource.state?.title
    tone = resource.state == .active ? "good" : "info"
    pushedOn = resource.pushedOn
    let pushed = UTCDay.start(of: resource.pushedOn) ?? now
    let days = Int(UTCDay.start(of: now).timeIntervalSince(pushed) / 86_400)
    ago = "\(ConsoleText.count(days, "day", "days")) ago"
  }
}
