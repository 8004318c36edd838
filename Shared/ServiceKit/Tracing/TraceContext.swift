import Primitives
import ServiceContextModule

/// Where the present work belongs: the `traceparent` of W3C Trace Context, level 1.
///
/// It travels with a request through every process: as an HTTP header, as a Kafka header, and in ``ServiceContext`` while it is worked on,
/// from where each log line takes its `trace_id`.
public struct TraceContext: Sendable, Hashable {
  /// 32 hexadecimal digits in lower case, not all zero.
  public let traceID: String
  /// 16 hexadecimal digits in lower case, not all zero: the piece of work that caused this one.
  public let parentID: String
  /// Bit 0: whoever began the trace records it.
  public let flags: UInt8

  /// Begins a trace.
  public static func make() -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return make(using: &generator)
  }

  /// As ``make()``, with the randomness passed in.
  public static func make(using generator: inout some RandomNumberGenerator) -> TraceContext {
    let traceID = nonzero(using: &generator).hexadecimal + nonzero(using: &generator).hexadecimal
    return TraceContext(traceID: traceID, parentID: nonzero(using: &generator).hexadecimal, flags: 0)
  }

  /// Reads a `traceparent`; nil where it is not of the form that the specification gives (§3.2).
  ///
  /// A later version than 00 may have more behind the flags, which is passed over, as the specification asks.
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

  /// The trace of a request or message that brought this `traceparent`; a new one where it brought none, or none that can be read.
  public static func continuing(_ traceparent: String?) -> TraceContext {
    traceparent.flatMap { TraceContext(traceparent: $0) } ?? make()
  }

  /// As it is sent.
  public var traceparent: String {
    "00-\(traceID)-\(parentID)-\(Hex.encode([flags]))"
  }

  /// The context of a piece of work within this one: the same trace, with an id of its own.
  public func child() -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return TraceContext(traceID: traceID, parentID: Self.nonzero(using: &generator).hexadecimal, flags: flags)
  }

  private static func nonzero(using generator: inout some RandomNumberGenerator) -> UInt64 {
    UInt64.random(in: 1 ... .max, using: &generator)
  }
}

extension TraceContext {
  /// The context of the present task.
  public static var current: TraceContext? { ServiceContext.current?.trace }

  /// Runs `body` with this as the context of the task and of its children.
  public func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    try ServiceContext.withValue(serviceContext, operation: body)
  }

  /// Runs `body` with this as the context of the task and of its children.
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
  /// The trace that the present work belongs to.
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
  /// Whether it is that many hexadecimal digits in lower case, the only case that the specification allows.
  fileprivate func isHexadecimal(count: Int) -> Bool {
    utf8.count == count && utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

extension UInt64 {
  fileprivate var hexadecimal: String {
    withUnsafeBytes(of: bigEndian) { Hex.encode($0) }
  }
}
