import Metrics
import Synchronization

/// A time series that can write its samples in Prometheus' text format.
protocol PrometheusMetric: Sendable {
  /// Appends the lines of the series, each with a line end.
  func write(name: String, labels: PrometheusLabels, into text: inout String)
}

/// A Prometheus counter.
final class PrometheusCounter: PrometheusMetric, CounterHandler {
  private let value = Atomic<Int64>(0)

  func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
  func reset() { value.store(0, ordering: .relaxed) }

  func write(name: String, labels: PrometheusLabels, into text: inout String) {
    text += "\(name)\(labels) \(value.load(ordering: .relaxed))\n"
  }
}

/// A Prometheus gauge.
final class PrometheusGauge: PrometheusMetric, RecorderHandler, MeterHandler {
  private let value = Mutex<Double>(0)

  func record(_ new: Int64) { set(Double(new)) }
  func record(_ new: Double) { set(new) }
  func set(_ new: Int64) { set(Double(new)) }
  func set(_ new: Double) { value.withLock { $0 = new } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }

  func write(name: String, labels: PrometheusLabels, into text: inout String) {
    text += "\(name)\(labels) \(PrometheusText.number(value.withLock { $0 }))\n"
  }
}

/// A Prometheus histogram with fixed buckets.
final class PrometheusHistogram: PrometheusMetric, RecorderHandler, TimerHandler {
  /// The bounds for durations in seconds, from a database's round trip to a request's deadline.
  static let seconds: [Double] = [0.001, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 30]
  /// The bounds for the time that a change takes through several processes, in seconds. The objectives are among them.
  static let pipelineSeconds: [Double] = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]
  /// The bounds for sizes and counts.
  static let sizes: [Double] = [1, 5, 20, 100, 500, 2000]

  private struct State {
    var counts: [Int64]
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    // No bucket contains NaN.
    guard !value.isNaN else { return }
    let index = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[index] += 1
      state.sum += value
    }
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  func write(name: String, labels: PrometheusLabels, into text: inout String) {
    let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
    var total: Int64 = 0
    for (index, count) in counts.enumerated() {
      total += count
      let bound = index < bounds.count ? PrometheusText.number(bounds[index]) : "+Inf"
      text += "\(name)_bucket\(labels.adding("le", bound)) \(total)\n"
    }
    text += "\(name)_sum\(labels) \(PrometheusText.number(sum))\n"
    text += "\(name)_count\(labels) \(total)\n"
  }
}
