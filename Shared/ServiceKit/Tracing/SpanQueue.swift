import Metrics
import Synchronization

/// The spans that wait for the exporter. It is bounded: if it is full, spans are dropped and counted, so that nothing ever waits for it.
final class SpanQueue: Sendable {
  /// Yields when spans were added; ends after ``finish()``.
  let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation
  private let maximum: Int
  private let spans = Mutex<[FinishedSpan]>([])
  private let dropped = Counter(label: "rollcall_spans_lost_total", dimensions: [("reason", "queue-full")])

  /// - Parameter maximum: The maximum number of spans.
  init(maximum: Int = 4096) {
    self.maximum = maximum
    (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// The number of spans that wait.
  var count: Int { spans.withLock { $0.count } }

  /// Adds a span, or drops it if the queue is full.
  func add(_ span: FinishedSpan) {
    let count = spans.withLock { spans -> Int? in
      guard spans.count < maximum else { return nil }
      spans.append(span)
      return spans.count
    }
    switch count {
    case nil: dropped.increment()
    case 1: signal.yield()
    default: break
    }
  }

  /// Removes the oldest spans, at most `limit`.
  func take(atMost limit: Int) -> [FinishedSpan] {
    spans.withLock { spans in
      let taken = Array(spans.prefix(limit))
      spans.removeFirst(taken.count)
      return taken
    }
  }

  /// Ends ``signals``.
  func finish() { signal.finish() }
}
