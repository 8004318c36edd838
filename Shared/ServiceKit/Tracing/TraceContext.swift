import Primitives
import ServiceContextModule

/// A trace context: the `traceparent` of W3C Trace Context, level 1.
///
/// It is passed on as an HTTP header and a Kafka header, and is part of the ``ServiceContext`` of a task. Log lines take their `trace_id`
/// from it.
public struct TraceContext: Sendable, Hashable {
  private let trace: (high: UInt64, low: UInt64)
  private let parent: UInt64
  /// The trace flags; bit 0 is *sampled*.
  public let flags: UInt8

  /// The trace id: 32 hexadecimal digits in lower case, not all zero.
  public var traceID: String {
    text {
      Self.append(trace.high, to: &$0)
      Self.append(trace.low, to: &$0)
    }
  }
  /// The id of the parent span: 16 hexadecimal digits in lower case, not all zero.
  public var parentID: String { text { Self.append(parent, to: &$0) } }

  /// Starts a new trace.
  public static func make() -> TraceContext {
    var generator = BlockRandomNumberGenerator()
    return make(using: &generator)
  }

  /// Starts a new trace with the given random numbers.
  public static func make(using generator: inout some RandomNumberGenerator) -> TraceContext {
    TraceContext(
      trace: (nonzero(using: &generator), nonzero(using: &generator)), parent: nonzero(using: &generator), flags: 0)
  }

  /// Parses a `traceparent` (Trace Context §3.2); nil if it is malformed.
  ///
  /// As the specification requires, fields that later versions add after the flags are ignored.
  public init?(traceparent: String) {
    var bytes = traceparent.utf8[...]
    guard let version = Self.field(2, of: &bytes), version != 0xFF, let high = Self.digits(16, of: &bytes),
      let low = Self.field(16, of: &bytes), high | low != 0, let parent = Self.field(16, of: &bytes), parent != 0,
      let flags = Self.digits(2, of: &bytes), bytes.isEmpty || (version != 0 && bytes.first == Self.hyphen)
    else { return nil }
    self.init(trace: (high, low), parent: parent, flags: UInt8(truncatingIfNeeded: flags))
  }

  private init(trace: (high: UInt64, low: UInt64), parent: UInt64, flags: UInt8) {
    self.trace = trace
    self.parent = parent
    self.flags = flags
  }

  /// The trace of a request or message with this `traceparent`; a new trace if there is none or it is malformed.
  public static func continuing(_ traceparent: String?) -> TraceContext {
    traceparent.flatMap { TraceContext(traceparent: $0) } ?? make()
  }

  /// As it is sent.
  public var traceparent: String {
    text { bytes in
      bytes += "00-".utf8
      Self.append(trace.high, to: &bytes)
      Self.append(trace.low, to: &bytes)
      bytes.append(Self.hyphen)
      Self.append(parent, to: &bytes)
      bytes.append(Self.hyphen)
      Self.append(flags, to: &bytes)
    }
  }

  /// A child span: the same trace with a new span id.
  public func child() -> TraceContext {
    var generator = BlockRandomNumberGenerator()
    return TraceContext(trace: trace, parent: Self.nonzero(using: &generator), flags: flags)
  }

  /// Whether two contexts have the same ids and flags.
  public static func == (left: TraceContext, right: TraceContext) -> Bool {
    left.trace == right.trace && left.parent == right.parent && left.flags == right.flags
  }

  /// Whether the spans of the trace are recorded.
  public var isSampled: Bool { flags & Self.sampledFlag != 0 }

  /// The same ids in a trace whose spans are recorded.
  func sampled() -> TraceContext { TraceContext(trace: trace, parent: parent, flags: flags | Self.sampledFlag) }

  /// The context of a `traceparent` whose trace is sampled; nil for any other. It parses only those, since most messages are not sampled.
  public static func sampled(_ traceparent: String?) -> TraceContext? {
    // Version 0, the only one that Rollcall sends, ends with the flags.
    guard let traceparent, let last = traceparent.utf8.last, let flags = Hex.value(ofDigit: last), flags & sampledFlag != 0,
      let context = TraceContext(traceparent: traceparent), context.isSampled
    else { return nil }
    return context
  }

  private static let sampledFlag: UInt8 = 1

  /// Hashes the ids and flags.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(trace.high)
    hasher.combine(trace.low)
    hasher.combine(parent)
    hasher.combine(flags)
  }

  private static func nonzero(using generator: inout some RandomNumberGenerator) -> UInt64 {
    UInt64.random(in: 1 ... .max, using: &generator)
  }
}

// The text form.
extension TraceContext {
  private static let hyphen = UInt8(ascii: "-")
  /// The length of the longest text, ``traceparent``.
  private static let length = 55

  private func text(_ write: (inout [UInt8]) -> Void) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    write(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
    for shift in stride(from: Number.bitWidth - 4, through: 0, by: -4) {
      bytes.append(Hex.digit(UInt8(truncatingIfNeeded: number >> Number(shift)) & 0xF))
    }
  }

  /// Removes `count` hexadecimal digits in lower case, the only case that the specification allows; nil if there are others.
  private static func digits(_ count: Int, of bytes: inout Substring.UTF8View) -> UInt64? {
    var number: UInt64 = 0
    for _ in 0..<count {
      guard let digit = bytes.popFirst(), !(0x41...0x46).contains(digit), let value = Hex.value(ofDigit: digit) else { return nil }
      number = number << 4 | UInt64(value)
    }
    return number
  }

  /// Removes digits and the hyphen after them.
  private static func field(_ count: Int, of bytes: inout Substring.UTF8View) -> UInt64? {
    guard let number = digits(count, of: &bytes), bytes.popFirst() == hyphen else { return nil }
    return number
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

  var serviceContext: ServiceContext {
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
