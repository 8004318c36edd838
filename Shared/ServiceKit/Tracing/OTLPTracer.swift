import Primitives
import ServiceContextModule
import Synchronization
import Tracing

/// A tracer whose spans go to a queue for an OTLP exporter.
///
/// Sampling is parent-based: a span follows the decision of its parent. A trace starts with a server span without a parent, and their number
/// is limited per second. Background work starts no traces.
final class OTLPTracer: Tracer {
  private let queue: SpanQueue
  private let limiter: Mutex<TraceRateLimiter>

  /// - Parameter rate: The maximum number of traces that start per second.
  init(queue: SpanQueue, rate: Double) {
    self.queue = queue
    limiter = Mutex(TraceRateLimiter(rate: rate, now: .now))
  }

  func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> TraceSpan {
    let context = context()
    let parent = context.trace
    guard let trace = self.trace(of: kind, in: parent) else { return TraceSpan(unrecorded: context) }
    let start = instant().nanosecondsSinceEpoch
    let span = FinishedSpan(name: operationName, kind: kind, trace: trace, parentID: parent?.parentID, start: start, end: start)
    return TraceSpan(span, in: context) { [queue] in queue.add($0) }
  }

  /// The trace of a new span, with the id of the span as its parent id; nil if it is not recorded.
  private func trace(of kind: SpanKind, in parent: TraceContext?) -> TraceContext? {
    if let parent { return parent.isSampled ? parent.child() : nil }
    guard kind == .server, limiter.withLock({ $0.admits(at: .now) }) else { return nil }
    return TraceContext.make().sampled()
  }

  /// Does nothing: the exporter sends spans within a second, and all of them when the process ends.
  func forceFlush() {}

  func inject<Carrier, Inject: Injector>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
  where Inject.Carrier == Carrier {
    guard let trace = context.trace else { return }
    injector.inject(trace.traceparent, forKey: Self.header, into: &carrier)
  }

  func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
  where Extract.Carrier == Carrier {
    guard let text = extractor.extract(key: Self.header, from: carrier), let trace = TraceContext(traceparent: text) else { return }
    context.trace = trace
  }

  private static let header = "traceparent"
}
