import EdgeHTTP
import EdgeReads
import Foundation

/// A bar chart of successful and failed requests in SVG coordinates, with the same data as a table.
struct BarChart: Sendable, Equatable {
  /// The text alternative for screen readers.
  var summary: String
  var width: Int
  var height: Int
  /// The y coordinate of the axis.
  var base: Int
  /// The baseline of the axis labels.
  var textBase: Int
  var bars: [Bar]
  var axisLabels: [AxisLabel]
  /// The largest number of requests.
  var maximum: String
  var table: [TableRow]

  /// A bar with a part for successes above a part for failures.
  struct Bar: Sendable, Equatable {
    var x: Int
    var width: Int
    var successY: Int
    var successHeight: Int
    var failureY: Int
    var failureHeight: Int
    var tooltip: String
  }

  /// A label of the time axis.
  struct AxisLabel: Sendable, Equatable {
    var x: Int
    var text: String
    /// The alignment: `start`, `middle` or `end`.
    var anchor: String
  }

  /// A row of the table.
  struct TableRow: Sendable, Equatable {
    var time: String
    var requests: String
    var failures: String
  }

  private static let size = (width: 720, height: 180, top: 20, base: 156)

  /// - Parameters:
  ///   - unit: the period of a bar: `hour` or `day`.
  ///   - name: returns the label for a time in UTC.
  init(_ counts: [HealthQuery.RequestCount], unit: String, name: (Date) -> String) {
    let maximum = max(1, counts.map(\.requests).max() ?? 0)
    let available = Double(Self.size.base - Self.size.top)
    let step = Double(Self.size.width) / Double(max(1, counts.count))
    width = Self.size.width
    height = Self.size.height
    base = Self.size.base
    textBase = Self.size.height - 6
    bars = counts.enumerated().map { index, count in
      // Non-zero numbers are at least two units high, so that they are visible.
      func height(of number: Int) -> Int { number == 0 ? 0 : max(2, Int((Double(number) / Double(maximum) * available).rounded())) }
      let failed = height(of: count.failures)
      let successful = count.failures == count.requests ? 0 : max(0, height(of: count.requests) - failed)
      return Bar(
        x: Int((Double(index) * step).rounded()) + 1, width: max(1, Int(step.rounded(.down)) - 3),
        successY: Self.size.base - failed - successful,
        successHeight: successful, failureY: Self.size.base - failed, failureHeight: failed,
        tooltip: "\(name(count.at)): \(ConsoleText.count(count.requests, "request", "requests")), "
          + "\(ConsoleText.number(count.failures)) failed")
    }
    axisLabels =
      counts.isEmpty
      ? []
      : [
        AxisLabel(x: 0, text: name(counts[0].at), anchor: "start"),
        AxisLabel(x: Self.size.width / 2, text: name(counts[counts.count / 2].at), anchor: "middle"),
        AxisLabel(x: Self.size.width, text: name(counts[counts.count - 1].at), anchor: "end"),
      ]
    self.maximum = ConsoleText.count(maximum, "request", "requests")
    let (requests, failures) = (counts.reduce(0) { $0 + $1.requests }, counts.reduce(0) { $0 + $1.failures })
    summary =
      "\(ConsoleText.count(requests, "request", "requests")), \(ConsoleText.number(failures)) of them failed; "
      + "at most \(ConsoleText.number(maximum)) in one \(unit)"
    table = counts.reversed().filter { $0.requests > 0 }.map {
      TableRow(time: name($0.at), requests: ConsoleText.number($0.requests), failures: ConsoleText.number($0.failures))
    }
  }
}
