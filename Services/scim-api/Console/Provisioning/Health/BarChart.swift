import EdgeHTTP
import EdgeReads
import Foundation

/// Bars of requests with the part of them that failed, as an image's measures, and the same as a table.
struct BarChart: Sendable, Equatable {
  /// What a screen reader says instead of the bars.
  var summary: String
  var width: Int
  var height: Int
  /// Where the bars stand.
  var base: Int
  /// Below the text of the axis.
  var textBase: Int
  var bars: [Bar]
  var marks: [Mark]
  /// The largest number, at the top.
  var most: String
  var table: [Line]

  struct Bar: Sendable, Equatable {
    var x: Int
    var width: Int
    var goodY: Int
    var goodHeight: Int
    var badY: Int
    var badHeight: Int
    /// What is shown of it under the pointer.
    var tip: String
  }

  struct Mark: Sendable, Equatable {
    var x: Int
    var text: String
    /// `start`, `middle` or `end`.
    var anchor: String
  }

  struct Line: Sendable, Equatable {
    var time: String
    var all: String
    var bad: String
  }

  private static let size = (width: 720, height: 180, top: 20, base: 156)

  /// - Parameters:
  ///   - unit: what a bar stands for: `hour`, `day`.
  ///   - name: of each bar: a time in UTC.
  init(_ counts: [HealthQuery.Count], unit: String, name: (Date) -> String) {
    let most = max(1, counts.map(\.requests).max() ?? 0)
    let room = Double(Self.size.base - Self.size.top)
    let step = Double(Self.size.width) / Double(max(1, counts.count))
    width = Self.size.width
    height = Self.size.height
    base = Self.size.base
    textBase = Self.size.height - 6
    bars = counts.enumerated().map { index, count in
      // Whatever there is can be seen.
      func high(_ number: Int) -> Int { number == 0 ? 0 : max(2, Int((Double(number) / Double(most) * room).rounded())) }
      let bad = high(count.failures)
      let good = max(0, high(count.requests) - (count.failures == count.requests ? high(count.requests) : bad))
      return Bar(
        x: Int((Double(index) * step).rounded()) + 1, width: max(1, Int(step.rounded(.down)) - 3), goodY: Self.size.base - bad - good,
        goodHeight: good, badY: Self.size.base - bad, badHeight: bad,
        tip: "\(name(count.at)): \(ProvisioningText.count(count.requests, "request", "requests")), "
          + "\(ProvisioningText.number(count.failures)) failed")
    }
    marks =
      counts.isEmpty
      ? []
      : [
        Mark(x: 0, text: name(counts[0].at), anchor: "start"),
        Mark(x: Self.size.width / 2, text: name(counts[counts.count / 2].at), anchor: "middle"),
        Mark(x: Self.size.width, text: name(counts[counts.count - 1].at), anchor: "end"),
      ]
    self.most = ProvisioningText.count(most, "request", "requests")
    let (all, bad) = (counts.reduce(0) { $0 + $1.requests }, counts.reduce(0) { $0 + $1.failures })
    summary =
      "\(ProvisioningText.count(all, "request", "requests")), \(ProvisioningText.number(bad)) of them failed; "
      + "at most \(ProvisioningText.number(most)) in one \(unit)"
    table = counts.reversed().filter { $0.requests > 0 }.map {
      Line(time: name($0.at), all: ProvisioningText.number($0.requests), bad: ProvisioningText.number($0.failures))
    }
  }
}
