import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// The view model of the health page.
struct HealthView: Sendable {
  var tabs: [ProvisioningTab]
  var isEmpty: Bool
  var statistics: [Statistic]
  var charts: [ChartSection]
  var senders: [Sender]
  var causes: [Cause]
  var hasCauses: Bool

  /// A number with a label.
  struct Statistic: Sendable, Equatable {
    var number: String
    var label: String
    var note: String?
    var at: String?
  }

  /// A chart with a heading.
  struct ChartSection: Sendable, Equatable {
    var id: String
    var heading: String
    var chart: BarChart
  }

  /// A sender in the table.
  struct Sender: Sendable, Equatable {
    var title: String
    var token: String
    var status: String
    var tone: String
    var lastCall: String?
    var lastSuccess: String?
    var lastFailure: String?
    var day: String
    var month: String
    var uses: String?
  }

  /// A cause of failures.
  struct Cause: Sendable, Equatable {
    var summary: String
    var path: String
    var number: String
    var lastTime: String
  }

  init(_ health: HealthQuery.Health, tabs: [ProvisioningTab]) {
    self.tabs = tabs
    senders = health.senders.map(Sender.init)
    isEmpty = senders.isEmpty
    statistics = Self.statistics(health)
    charts = [
      ChartSection(
        id: "hours", heading: "The last 24 hours, by hour (UTC)",
        chart: BarChart(health.hours, unit: "hour") { String(Timestamp.text($0).dropFirst(11).prefix(5)) }),
      ChartSection(
        id: "days", heading: "The last 30 days, by day (UTC)", chart: BarChart(health.days, unit: "day", name: UTCDay.text)),
    ]
    causes = health.failures.map { failures in
      var search = LogSearch()
      search.cause = failures.cause
      search.failedOnly = true
      return Cause(
        summary: failures.cause.summary, path: search.path(), number: ConsoleText.number(failures.count),
        lastTime: Timestamp.text(failures.lastAt))
    }
    hasCauses = !causes.isEmpty
  }

  private static func statistics(_ health: HealthQuery.Health) -> [Statistic] {
    let requests = health.hours.reduce(0) { $0 + $1.requests }
    let failures = health.hours.reduce(0) { $0 + $1.failures }
    let last = health.senders.compactMap { [$0.lastAt, $0.lastUsedAt].compactMap { $0 }.max() }.max()
    let busiest = health.hours.map(\.requests).max() ?? 0
    return [
      Statistic(number: last == nil ? "Never" : "", label: "Last call", at: last.map(Timestamp.text)),
      Statistic(
        number: ConsoleText.number(requests), label: "logged requests in 24 hours",
        note: "About \(rate(requests)) per hour; \(ConsoleText.number(busiest)) in the busiest"),
      Statistic(
        number: ConsoleText.number(failures), label: "failed in 24 hours", note: requests == 0 ? nil : share(failures, of: requests)),
    ]
  }

  /// The number of requests per hour.
  private static func rate(_ requests: Int) -> String {
    let rate = Double(requests) / 24
    return rate >= 10 || rate == 0 ? ConsoleText.number(Int(rate.rounded())) : String(format: "%.1f", rate)
  }

  /// The share of failures for display.
  static func share(_ failures: Int, of requests: Int) -> String {
    guard failures > 0, requests > 0 else { return "None of them" }
    let percent = Double(failures) / Double(requests) * 100
    return percent < 1 ? "Less than 1 % of them" : "\(Int(percent.rounded())) % of them"
  }
}

extension HealthView.Sender {
  init(_ sender: HealthQuery.Sender) {
    title = sender.provider.map(ConsoleText.identityProvider) ?? "Unrecognised"
    token = sender.name ?? "Unknown token"
    if sender.isRevoked { token += " (revoked)" }
    switch (sender.lastSuccessAt, sender.lastFailureAt) {
    case (nil, nil):
      status = "Only reads"
      tone = "info"
    case (nil, .some):
      status = "All failed"
      tone = "bad"
    case (.some(let success), .some(let failure)) where failure > success:
      status = "Last request failed"
      tone = "warn"
    default:
      status = "OK"
      tone = "good"
    }
    lastCall = [sender.lastAt, sender.lastUsedAt].compactMap { $0 }.max().map(Timestamp.text)
    lastSuccess = sender.lastSuccessAt.map(Timestamp.text)
    lastFailure = sender.lastFailureAt.map(Timestamp.text)
    day = Self.counts(sender.requestsInDay, sender.failuresInDay)
    month = Self.counts(sender.requestsInMonth, sender.failuresInMonth)
    uses = sender.uses.map { "Token: \(ConsoleText.count($0, "call", "calls")), including reads" }
  }

  private static func counts(_ requests: Int, _ failures: Int) -> String {
    "\(ConsoleText.number(requests)), \(ConsoleText.number(failures)) failed"
  }
}
