import Primitives
import ServiceContextModule

/// A trace context: the `traceparent` of W3C Trace Context, level 1.
///
/// It is passed on as an HTTP header and a Kafka header, and is part of the ``ServiceContext`` of a task. Log lines take their `trace_id`
/// from it.
public struct TraceContext: Sendable, Hashable {
  /// The trace id: 32 hexadecimal digits in lower case, not all zero.
  public let traceID: String
  /// The id of the parent span: 16 hexadecimal digits in lower case, not all zero.
  public let parentID: String
  /// The trace flags; bit 0 is *sampled*.
  public let flags: UInt8

  /// Starts a new trace.
  public static func make() -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return make(using: &generator)
  }

  /// Starts a new trace with the given random numbers.
  public static func make(using generator: inout some RandomNumberGenerator) -> TraceContext {
    let traceID = nonzero(using: &generator).hexadecimal + nonzero(using: &generator).hexadecimal
    return TraceContext(traceID: traceID, parentID: nonzero(using: &generator).hexadecimal, flags: 0)
  }

  /// Parses a `traceparent` (Trace Context §3.2); nil if it is malformed.
  ///
  /// As the specification requires, fields that later versions add after the flags are ignored.
  public init?(traceparent: String) {
    let fields = traceparent.split(separator: "-", omittingEmptySubsequences: false)
    guard fields.count >= 4, fields[0].isHexadecimal(count: 2), fields[0] != "ff", fields[0] != "00" || fields.count == 4,
      fields[1].isHexadecimal(count: 32), !fields[1].allSatisfy({ $0 == "0" }),
      fields[2].isHexadecimal(count: 16), !fields[2].allSatisfy({ $0 == "0" }),
      fields[3].isHexadecimal(count: 2), let flags = UInt8(fields[3], radix: 16)
    else { return nil }
    self.init(traceID: String(fields[1]), parentID: String(fields[2]), flags: flags)
  }

  private init(traceID: String, parentID: String, flags: UInt8) {
    self.traceID = traceID
    self.parentID = parentID
    self.flags = flags
  }

  /// The trace of a request or message with this `traceparent`; a new trace if there is none or it is malformed.
  public static func continuing(_ traceparent: String?) -> TraceContext {
    traceparent.flatMap { TraceContext(traceparent: $0) } ?? make()
  }

  /// As it is sent.
  public var traceparent: String {
    "00-\(traceID)-\(parentID)-\(Hex.encode([flags]))"
  }

  /// A child span: the same trace with a new span id.
  public func child() -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return TraceContext(traceID: traceID, parentID: Self.nonzero(using: &generator).hexadecimal, flags: flags)
  }

  private static func nonzero(using generator: inout some RandomNumberGenerator) -> UInt64 {
    UInt64.random(in: 1 ... .max, using: &generator)
  }
}

extension TraceContext {
  /// The trace context of the current task.
  public static var current: TraceContext? { ServiceContext.current?.trace }

  /// Runs `body` with this trace context, which child tasks inherit.
  public func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    try ServiceContext.withValue(serviceContext, operation: body)
  }

  /// Runs `body` with this trace context, which child tasks inherit.
  public func run<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    try await ServiceContext.withValue(serviceContext, operation: body)
  }

  private var serviceContext: ServiceContext {
    var context = ServiceContext.current ?? .topLevel
    context.trace = self
    return context
  }
}

extension ServiceContext {
  /// The trace context.
  public var trace: TraceContext? {
    get { self[TraceContextKey.self] }
    set { self[TraceContextKey.self] = newValue }
  }

  private enum TraceContextKey: ServiceContextKey {
    typealias Value = TraceContext
    static var nameOverride: String? { "trace" }
  }
}

extension Substring {
  /// Whether it consists of `count` hexadecimal digits in lower case, the only case that the specification allows.
  fileprivate func isHexadecimal(count: Int) -> Bool {
    utf8.count == count && utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

extension UInt64 {
  fileprivate var hexadecimal: String {
    withUnsafeBytes(of: bigEndian) { Hex.encode($0) }
  }
}
