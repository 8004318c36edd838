import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// The search form of the provisioning log, and the filter it stands for.
struct LogSearch: Sendable, Equatable {
  var failedOnly = false
  var cause: Diagnosis.Cause?
  /// A name, address or id of a person or group.
  var subject: String?
  var time = Time.any
  /// The first and the last day, as entered.
  var from: String?
  var to: String?

  /// The time range.
  enum Time: String, CaseIterable, Sendable {
    case any, today, week, dates

    var name: String {
      switch self {
      case .any: "Any time"
      case .today: "Today (UTC)"
      case .week: "The last 7 days"
      case .dates: "Custom range"
      }
    }
  }

  init() {}

  init(_ parameters: QueryParameters) {
    cause = parameters["cause"].flatMap(Diagnosis.Cause.init)
    failedOnly = parameters["failed"] == "1" || cause != nil
    subject = parameters["who"].map { String($0.prefix(320)) }
    from = parameters["from"]
    to = parameters["to"]
    time = parameters["time"].flatMap(Time.init) ?? .any
    // A date without a time range selects the custom range.
    if from != nil || to != nil, time == .any { time = .dates }
  }

  /// The error in the entered days; nil if they are valid.
  var dateError: String? {
    guard time == .dates else { return nil }
    if from == nil, to == nil { return "Enter the first day, the last day, or both." }
    for day in [from, to].compactMap({ $0 }) where Self.date(day) == nil {
      return "“\(day.prefix(30))” is not a valid date. Use the format 2026-01-31."
    }
    if let from = from.flatMap(Self.date), let to = to.flatMap(Self.date), from > to { return "The first day is after the last day." }
    return nil
  }

  /// Whether any filter is set.
  var isFiltered: Bool { failedOnly || subject != nil || time != .any }

  /// The filter for the log.
  func filter(at now: Date) -> LogRepository.Filter {
    var filter = LogRepository.Filter()
    filter.failedOnly = failedOnly
    filter.cause = cause
    filter.subject = subject
    switch time {
    case .any: break
    case .today: filter.since = UTCDay.start(of: now)
    case .week: filter.since = now - 7 * 86_400
    case .dates:
      filter.since = from.flatMap(Self.date)
      filter.until = to.flatMap(Self.date).map { $0 + 86_400 }
    }
    return filter
  }

  /// The path of the page with this search.
  ///
  /// - Parameter last: the last entry of the previous page.
  func path(after last: LogEntryID? = nil) -> String {
    let days = time == .dates
    return ConsoleSection.provisioning.path
      + ConsoleText.query([
        ("who", subject), ("time", time == .any ? nil : time.rawValue), ("from", days ? from : nil), ("to", days ? to : nil),
        ("cause", cause?.rawValue), ("failed", failedOnly && cause == nil ? "1" : nil), ("after", last?.description),
      ])
  }

  private static func date(_ day: String) -> Date? { UTCDay.start(of: day) }
}
