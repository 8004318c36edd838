import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// What the health page's template shows.
struct HealthView: Sendable {
  var tabs: [ProvisioningTab]
  var isEmpty: Bool
  var figures: [Figure]
  var charts: [Section]
  var senders: [Sender]
  var causes: [Cause]
  var hasCauses: Bool

  struct Figure: Sendable, Equatable {
    var number: String
    var words: String
    var note: String?
    var at: String?
  }

  struct Section: Sendable, Equatable {
    var id: String
    var heading: String
    var chart: BarChart
  }

  struct Sender: Sendable, Equatable {
    var title: String
    var token: String
    var standing: String
    var tone: String
    var lastCall: String?
    var lastSuccess: String?
    var lastFailure: String?
    var day: String
    var month: String
    var uses: String?
  }

  struct Cause: Sendable, Equatable {
    var words: String
    var path: String
    var number: String
    var lastTime: String
  }

  init(_ health: HealthQuery.Health, tabs: [ProvisioningTab]) {
    self.tabs = tabs
    senders = health.senders.map(Sender.init)
    isEmpty = senders.isEmpty
    figures = Self.figures(health)
    charts = [
      Section(
        id: "hours", heading: "The last 24 hours, by hour (UTC)",
        chart: BarChart(health.hours, unit: "hour") { String(Timestamp.text($0).dropFirst(11).prefix(5)) }),
      Section(
        id: "days", heading: "The last 30 days, by day (UTC)", chart: BarChart(health.days, unit: "day", name: ProvisioningText.day)),
    ]
    causes = health.failures.map { failures in
      var search = LogSearch()
      search.cause = failures.cause
      search.failedOnly = true
      return Cause(
        words: failures.cause.summary, path: search.path(), number: ProvisioningText.number(failures.count),
        lastTime: Timestamp.text(failures.lastAt))
    }
    hasCauses = !causes.isEmpty
  }

  private static func figures(_ health: HealthQuery.Health) -> [Figure] {
    let requests = health.hours.reduce(0) { $0 + $1.requests }
    let failures = health.hours.reduce(0) { $0 + $1.failures }
    let last = health.senders.compactMap { [$0.lastAt, $0.lastUsedAt].compactMap { $0 }.max() }.max()
    let busiest = health.hours.map(\.requests).max() ?? 0
    return [
      Figure(number: last == nil ? "Never" : "", words: "Last call", at: last.map(Timestamp.text)),
      Figure(
        number: ProvisioningText.number(requests), words: "logged requests in 24 hours",
        note: "About \(rate(requests)) an hour; \(ProvisioningText.number(busiest)) in the busiest"),
      Figure(
        number: ProvisioningText.number(failures), words: "failed in 24 hours", note: requests == 0 ? nil : share(failures, of: requests)),
    ]
  }

  /// Per hour of a day.
  private static func rate(_ requests: Int) -> String {
    let rate = Double(requests) / 24
    return rate >= 10 || rate == 0 ? ProvisioningText.number(Int(rate.rounded())) : String(format: "%.1f", rate)
  }

  static func share(_ failures: Int, of requests: Int) -> String {
    guard failures > 0, requests > 0 else { return "None of them" }
    let percent = Double(failures) / Double(requests) * 100
    return percent < 1 ? "Less than 1 % of them" : "\(Int(percent.rounded())) % of them"
  }
}

extension HealthView.Sender {
  init(_ sender: HealthQuery.Sender) {
    title = sender.provider.map(ProvisioningText.identityProvider) ?? "Not recognised"
    token = sender.name ?? "Unknown token"
    if sender.isRevoked { token += " (revoked)" }
    switch (sender.lastSuccessAt, sender.lastFailureAt) {
    case (nil, nil):
      standing = "Only reads"
      tone = "info"
    case (nil, .some):
      standing = "Nothing went well"
      tone = "bad"
    case (.some(let success), .some(let failure)) where failure > success:
      standing = "The last one failed"
      tone = "warn"
    default:
      standing = "Well"
      tone = "good"
    }
    lastCall = [sender.lastAt, sender.lastUsedAt].compactMap { $0 }.max().map(Timestamp.text)
    lastSuccess = sender.lastSuccessAt.map(Timestamp.text)
    lastFailure = sender.lastFailureAt.map(Timestamp.text)
    day = Self.words(sender.requestsInDay, sender.failuresInDay)
    month = Self.words(sender.requestsInMonth, sender.failuresInMonth)
    uses = sender.uses.map { "The token: \(ProvisioningText.count($0, "call", "calls")), reads included" }
  }

  private static func words(_ requests: Int, _ failures: Int) -> String {
    "\(ProvisioningText.number(requests)), \(ProvisioningText.number(failures)) failed"
  }
}
