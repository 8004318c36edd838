import ArgumentParser
import Foundation

/// How long a token is good: a number with its unit, `12h`, `90d`, `1y`.
struct Lifetime: Sendable, Hashable, ExpressibleByArgument {
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
