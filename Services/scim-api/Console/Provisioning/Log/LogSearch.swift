import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// What the log's form asks for, as it was filled in, and what is read for it.
struct LogSearch: Sendable, Equatable {
  var failedOnly = false
  var cause: Diagnosis.Cause?
  var who: String?
  var time = Time.any
  /// The first and the last day, as they were filled in.
  var from: String?
  var to: String?

  enum Time: String, CaseIterable, Sendable {
    case any, today, week, dates

    var name: String {
      switch self {
      case .any: "Any time"
      case .today: "Today (UTC)"
      case .week: "The last 7 days"
      case .dates: "From … to"
      }
    }
  }

  init() {}

  init(_ parameters: QueryParameters) {
    cause = parameters["cause"].flatMap(Diagnosis.Cause.init)
    failedOnly = parameters["failed"] == "1" || cause != nil
    who = parameters["who"].map { String($0.prefix(320)) }
    from = parameters["from"]
    to = parameters["to"]
    time = parameters["time"].flatMap(Time.init) ?? .any
    // Whoever fills in a day means it.
    if from != nil || to != nil, time == .any { time = .dates }
  }

  /// What is wrong with the days; nil where nothing is.
  var wrong: String? {
    guard time == .dates else { return nil }
    if from == nil, to == nil { return "Fill in the first day, the last day, or both." }
    for day in [from, to].compactMap({ $0 }) where Self.date(day) == nil {
      return "“\(day.prefix(30))” is no day. Write it as 2026-01-31."
    }
    if let from = from.flatMap(Self.date), let to = to.flatMap(Self.date), from > to { return "The first day is after the last one." }
    return nil
  }

  /// Whether anything is asked for.
  var isNarrowed: Bool { failedOnly || who != nil || time != .any }

  func filter(at now: Date) -> LogRepository.Filter {
    var filter = LogRepository.Filter()
    filter.failedOnly = failedOnly
    filter.cause = cause
    filter.subject = who
    switch time {
    case .any: break
    case .today: filter.since = ProvisioningText.startOfDay(now)
    case .week: filter.since = now - 7 * 86_400
    case .dates:
      filter.since = from.flatMap(Self.date)
      filter.until = to.flatMap(Self.date).map { $0 + 86_400 }
    }
    return filter
  }

  /// The page of this search.
  ///
  /// - Parameter last: the last entry of the part before.
  func path(after last: LogEntryID? = nil) -> String {
    let days = time == .dates
    return ConsoleSection.provisioning.path
      + ProvisioningText.query([
        ("who", who), ("time", time == .any ? nil : time.rawValue), ("from", days ? from : nil), ("to", days ? to : nil),
        ("cause", cause?.rawValue), ("failed", failedOnly && cause == nil ? "1" : nil), ("after", last?.description),
      ])
  }

  private static func date(_ day: String) -> Date? { ProvisioningText.date(ofDay: day) }
}
