import Foundation
import ServiceContextModule
import Tracing

// Spans cost nothing without a sampled trace: then none is started, and attributes are not evaluated.
extension TraceContext {
  /// Starts a span of this trace, with this context as its parent; nil if the trace is not sampled, or the process exports no spans.
  ///
  /// - Parameter start: When it started; nil for now.
  public func startSpan(
    _ name: String, ofKind kind: SpanKind = .internal, attributes: @autoclosure () -> SpanAttributes = [:], at start: Date? = nil
  ) -> (any Span)? {
    guard isSampled else { return nil }
    let time = start.map { DefaultTracerClock.Timestamp($0) } ?? DefaultTracerClock.now
    let span: any Span = InstrumentationSystem.tracer.startSpan(name, context: serviceContext, ofKind: kind, at: time)
    guard span.isRecording else { return nil }
    span.attributes = attributes()
    return span
  }

  /// Starts the server span of a request, which begins a trace if there is none; nil if it is not sampled, or the process exports no spans.
  ///
  /// - Parameter parent: The context that the client sent.
  public static func startServerSpan(_ name: String, parent: TraceContext?) -> (any Span)? {
    guard parent?.isSampled != false else { return nil }
    var context = ServiceContext.topLevel
    context.trace = parent
    let span: any Span = InstrumentationSystem.tracer.startSpan(name, context: context, ofKind: .server)
    return span.isRecording ? span : nil
  }

  /// Runs `body` in a span of the current trace, if there is one and it is sampled.
  public static func withSpan<Result>(
    _ name: String, ofKind kind: SpanKind = .internal, attributes: @autoclosure () -> SpanAttributes = [:],
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    guard let span = current?.startSpan(name, ofKind: kind, attributes: attributes()) else { return try await body() }
    return try await span.run(body)
  }
}

extension Span {
  /// The trace, with the id of the span as its parent id.
  public var trace: TraceContext? { context.trace }

  /// Runs `body` in this span, and ends it.
  public func run<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    do {
      let result = try await ServiceContext.withValue(context, operation: body)
      end()
      return result
    } catch {
      end(with: error)
      throw error
    }
  }

  /// Ends the span as failed.
  public func end(with error: any Error) {
    // The end of the process is no failure of what it was doing.
    if !(error is CancellationError) {
      recordError(error)
      setStatus(SpanStatus(code: .error))
    }
    end()
  }
}

extension DefaultTracerClock.Timestamp {
  fileprivate init(_ date: Date) {
    self.init(nanosecondsSinceEpoch: UInt64(max(0, date.timeIntervalSince1970) * 1_000_000_000))
  }
}
