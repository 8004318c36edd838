import ServiceContextModule
import Synchronization
import Tracing

/// A span of ``OTLPTracer``: it is recorded if its trace is sampled, and otherwise only passes its context on.
///
/// It may be used by several tasks at once. Changes after its end have no effect.
struct TraceSpan: Span {
  let context: ServiceContext
  private let recording: Recording?

  /// A span that is not recorded.
  init(unrecorded context: ServiceContext) {
    self.context = context
    recording = nil
  }

  /// A span that is recorded.
  ///
  /// - Parameter onEnd: Called once, when the span ends.
  init(_ span: FinishedSpan, in context: ServiceContext, onEnd: @escaping @Sendable (FinishedSpan) -> Void) {
    var context = context
    context.trace = span.trace
    self.context = context
    recording = Recording(span, onEnd: onEnd)
  }

  var isRecording: Bool { recording?.isActive ?? false }

  var operationName: String {
    get { recording?.read(\.name) ?? "" }
    nonmutating set { recording?.update { $0.name = newValue } }
  }

  var attributes: SpanAttributes {
    get { recording?.read(\.attributes) ?? [:] }
    nonmutating set { recording?.update { $0.attributes = newValue } }
  }

  func setStatus(_ status: SpanStatus) {
    recording?.update { $0.isError = status.code == .error }
  }

  func addEvent(_ event: SpanEvent) {
    recording?.update { if $0.events.count < FinishedSpan.maximumEvents { $0.events.append(event) } }
  }

  /// Records the type of the error. Its text may have personal data.
  func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant) {
    guard isRecording else { return }
    var all = attributes
    all["exception.type"] = String(reflecting: type(of: error))
    addEvent(SpanEvent(name: "exception", at: instant(), attributes: all))
  }

  func addLink(_ link: SpanLink) {
    guard let trace = link.context.trace else { return }
    recording?.update {
      if $0.links.count < FinishedSpan.maximumLinks { $0.links.append(trace) } else { $0.droppedLinks += 1 }
    }
  }

  func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    guard let recording else { return }
    recording.end(at: instant().nanosecondsSinceEpoch)
  }
}

/// What a span has recorded so far.
private final class Recording: Sendable {
  private let span: Mutex<FinishedSpan?>
  private let onEnd: @Sendable (FinishedSpan) -> Void

  init(_ span: FinishedSpan, onEnd: @escaping @Sendable (FinishedSpan) -> Void) {
    self.span = Mutex(span)
    self.onEnd = onEnd
  }

  var isActive: Bool { span.withLock { $0 != nil } }

  func read<Value: Sendable>(_ value: (FinishedSpan) -> Value) -> Value? {
    span.withLock { $0.map(value) }
  }

  func update(_ change: (inout FinishedSpan) -> Void) {
    span.withLock { stored in
      guard var span = stored else { return }
      // The only reference, so that the change copies nothing.
      stored = nil
      change(&span)
      stored = span
    }
  }

  func end(at time: UInt64) {
    let ended = span.withLock { span -> FinishedSpan? in
      defer { span = nil }
      return span
    }
    guard var ended else { return }
    // The clock may have been set back.
    ended.end = max(time, ended.start)
    onEnd(ended)
  }
}
