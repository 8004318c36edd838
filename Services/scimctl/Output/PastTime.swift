import ArgumentParser
import Foundation
import Models

/// A time in the past: how long ago, `2h`, or when, `2026-01-31T08:00:00Z`.
struct PastTime: Sendable, Hashable, ExpressibleByArgument {
  private enum Form: Sendable, Hashable {
    case ago(Lifetime)
    case at(Date)
  }

  private let form: Form

  init?(argument: String) {
    if let time = Lifetime(argument: argument) {
      form = .ago(time)
    } else if let date = Timestamp.date(argument) {
      form = .at(date)
    } else {
      return nil
    }
  }

  func time(at now: Date) -> Date {
    switch form {
    case .ago(let time): now - time.interval
    case .at(let date): date
    }
  }
}

/// HTTP statuses: `404`, `4xx`, `400-499`.
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
