/// A number as JSON writes it, compared exactly, whatever its size and however it is written.
public struct DecimalNumber: Sendable, Hashable, Comparable {
  private let isNegative: Bool
  /// Without zeros at either end; empty for zero.
  private let digits: [UInt8]
  /// Where the decimal point is: 0 stands for 0.digits, 1 for d.igits.
  private let point: Int

  /// The most digits before and behind the decimal point of a number that a filter compares with.
  static let maximumDigits = 1000

  /// - Parameter lexeme: A JSON number; nil where it is none.
  public init?(_ lexeme: String) {
    var bytes = Array(lexeme.utf8)[...]
    isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes.removeFirst() }
    var exponent = 0
    if let mark = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      let written = String(decoding: bytes[(mark + 1)...], as: UTF8.self)
      // An exponent that no Int holds is as good as the largest of its sign.
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

  /// Whether it is written with a bounded number of digits.
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
  /// The value of a JSON number; nil for any other.
  public init?(_ json: JSON) {
    switch json {
    case .integer(let value): self.init(String(value))
    case .decimal(let lexeme): self.init(lexeme)
    default: return nil
    }
  }
}
