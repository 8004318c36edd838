import Primitives

/// Why bytes are not the JSON that the protocol takes, and where.
public struct JSONSyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The byte, counted from 0, at which parsing stopped.
  public let offset: Int
  public let reason: Reason

  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// What is wrong.
  public enum Reason: Sendable, Hashable {
    /// There is nothing but white space.
    case empty
    /// The text ends inside of a value.
    case unexpectedEnd
    /// Something else stands where `expected` has to be.
    case unexpected(byte: UInt8, expected: String)
    /// An object has the key twice.
    case duplicateKey(String)
    /// More values are nested than `limit`.
    case tooDeep(limit: Int)
    /// A string or key is not UTF-8.
    case invalidUTF8
    /// An escape is half of a surrogate pair.
    case loneSurrogate
    /// A backslash is followed by what is no escape.
    case invalidEscape
    /// A control character stands unescaped in a string.
    case controlCharacter(UInt8)
    /// A string holds U+0000, which can't be stored.
    case nullCharacter
    /// A number is not written as RFC 8259 §6 has it.
    case invalidNumber
    /// There is more text after the value.
    case trailingContent
  }

  public var description: String { "\(reason) (at byte \(offset))" }
}

extension JSONSyntaxError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty: "it is empty"
    case .unexpectedEnd: "it ends in the middle of a value"
    case .unexpected(let byte, let expected): "expected \(expected), found \(Self.show(byte))"
    case .duplicateKey(let key): "the key \"\(key.head(80))\" is given twice in one object"
    case .tooDeep(let limit): "values are nested more than \(limit) deep"
    case .invalidUTF8: "a string is not valid UTF-8"
    case .loneSurrogate: "an escape is half of a surrogate pair"
    case .invalidEscape: "a backslash is not followed by a valid escape"
    case .controlCharacter(let byte): "a string has the unescaped control character \(Self.show(byte))"
    case .nullCharacter: "a string has the character U+0000, which can't be stored"
    case .invalidNumber: "a number is malformed"
    case .trailingContent: "there is more text after the end of the value"
    }
  }

  private static func show(_ byte: UInt8) -> String {
    if (0x21...0x7E).contains(byte) { return "'\(Character(UnicodeScalar(byte)))'" }
    return "0x\(Hex.encode([byte], uppercase: true))"
  }
}
