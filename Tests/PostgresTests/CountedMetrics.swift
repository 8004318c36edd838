import CoreMetrics
import Synchronization

/// A metrics backend that keeps the values of counters only.
final class CountedMetrics: MetricsFactory {
  private let counters = Mutex<[String: Count]>([:])

  final class Count: CounterHandler {
    let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
  }

  func count(of label: String) -> Int {
    counters.withLock { Int($0[label]?.value.load(ordering: .relaxed) ?? 0) }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    counters.withLock { counters in
      let counter = counters[label] ?? Count()
      counters[label] = counter
      return counter
    }
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    NOOPMetricsHandler.instance
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
