import ArgumentParser
import Foundation
import Models

/// A duration argument, a number with its unit: `12h`, `90d`, `1y`.
struct DurationArgument: Sendable, Hashable, ExpressibleByArgument {
  /// In seconds.
  let interval: TimeInterval

  init?(argument: String) {
    guard let unit = argument.last, let length = Self.units[unit], let number = Int(argument.dropLast()), number > 0, number <= 100_000
    else { return nil }
    interval = TimeInterval(number) * length
  }

  private static let units: [Character: TimeInterval] = [
    "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400,
  ]
}

/// A time in the past, as a duration before now (`2h`) or a timestamp (`2026-01-31T08:00:00Z`).
struct PastTime: Sendable, Hashable, ExpressibleByArgument {
  private enum Form: Sendable, Hashable {
    case ago(DurationArgument)
    case at(Date)
  }

  private let form: Form

  init?(argument: String) {
    if let time = DurationArgument(argument: argument) {
      form = .ago(time)
    } else if let date = Timestamp.date(argument) {
      form = .at(date)
    } else {
      return nil
    }
  }

  /// The time, if it is `now`.
  func time(at now: Date) -> Date {
    switch form {
    case .ago(let time): now - time.interval
    case .at(let date): date
    }
  }
}

/// A range of HTTP statuses: `404`, `4xx`, `400-499`.
struct StatusRange: Sendable, Hashable, ExpressibleByArgument {
  let range: ClosedRange<Int>

  init?(argument: String) {
    let text = argument.lowercased()
    if text.count == 3, text.hasSuffix("xx"), let hundred = text.first?.wholeNumberValue, (1...5).contains(hundred) {
      range = hundred * 100...hundred * 100 + 99
      return
    }
    let bounds = text.split(separator: "-").map { Int($0) }
    guard let low = bounds.first ?? nil, let high = bounds.last ?? nil, bounds.count <= 2, low <= high, low >= 100, high <= 599 else {
      return nil
    }
    range = low...high
  }
}
