import Tracing

/// A span that has ended, as it is exported.
///
/// Spans have no names, addresses or error texts: traces are kept outside of the suite, where the erasure of a person does not reach them.
struct FinishedSpan: Sendable {
  var name: String
  var kind: SpanKind
  /// The trace, and as its parent id the id of this span.
  var trace: TraceContext
  /// The id of the parent span, 16 hexadecimal digits; nil for the first span of a trace.
  var parentID: String?
  /// Nanoseconds since 1970.
  var start: UInt64
  /// Nanoseconds since 1970.
  var end: UInt64
  var attributes = SpanAttributes()
  var events: [SpanEvent] = []
  var links: [TraceContext] = []
  /// The links that exceeded ``maximumLinks``.
  var droppedLinks = 0
  var isError = false

  /// OpenTelemetry's default.
  static let maximumLinks = 128
  static let maximumEvents = 16
}
