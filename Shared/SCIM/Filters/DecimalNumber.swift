/// A decimal number of any size, compared exactly: `1.0`, `1` and `10e-1` are equal.
public struct DecimalNumber: Sendable, Hashable, Comparable {
  private let isNegative: Bool
  /// The digits without leading and trailing zeros; empty for zero.
  private let digits: [UInt8]
  /// The position of the decimal point in ``digits``: 0 for 0.digits, 1 for d.igits.
  private let point: Int

  /// The maximum number of digits before and after the decimal point of a filter's operand.
  static let maximumDigits = 1000

  /// Parses the text of a JSON number; nil for other text.
  public init?(_ lexeme: String) {
    var bytes = Array(lexeme.utf8)[...]
    isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes.removeFirst() }
    var exponent = 0
    if let mark = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      let written = String(decoding: bytes[(mark + 1)...], as: UTF8.self)
      // An exponent that Int cannot hold is clamped.
      exponent = max(-1_000_000_000_000, min(1_000_000_000_000, Int(written) ?? (written.hasPrefix("-") ? .min : .max)))
      bytes = bytes[..<mark]
    }
    let whole = bytes.prefix { $0 != UInt8(ascii: ".") }
    var all = Array(whole) + Array(bytes.dropFirst(whole.count + 1))
    guard !all.isEmpty, all.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let leading = all.prefix { $0 == 0x30 }.count
    while all.last == 0x30 { all.removeLast() }
    digits = Array(all.dropFirst(leading))
    point = digits.isEmpty ? 0 : whole.count - leading + exponent
  }

  /// Whether the number can be written with ``maximumDigits`` digits on either side of the decimal point.
  var isBounded: Bool { abs(point) <= Self.maximumDigits && digits.count <= Self.maximumDigits }

  public static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
    switch (left.sign, right.sign) {
    case (1, 1): left.isSmallerInMagnitude(than: right)
    case (-1, -1): right.isSmallerInMagnitude(than: left)
    case (let left, let right): left < right
    }
  }

  public static func == (left: DecimalNumber, right: DecimalNumber) -> Bool {
    left.digits == right.digits && left.point == right.point && left.sign == right.sign
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(sign)
    hasher.combine(digits)
    hasher.combine(point)
  }

  private var sign: Int { digits.isEmpty ? 0 : isNegative ? -1 : 1 }

  private func isSmallerInMagnitude(than other: DecimalNumber) -> Bool {
    point == other.point ? digits.lexicographicallyPrecedes(other.digits) : point < other.point
  }
}

extension DecimalNumber {
  /// Reads a JSON number; nil for another JSON value.
  public init?(_ json: JSON) {
    switch json {
    case .integer(let value): self.init(String(value))
    case .decimal(let lexeme): self.init(lexeme)
    default: return nil
    }
  }
}
