import Primitives

/// The error of a JSON text that cannot be parsed.
public struct JSONSyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The 0-based byte offset of the error.
  public let offset: Int
  /// The reason.
  public let reason: Reason

  /// Creates an error.
  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// The reason of a syntax error.
  public enum Reason: Sendable, Hashable {
    /// The text is empty or white space only.
    case empty
    /// The text ends within a value.
    case unexpectedEnd
    /// Another byte than `expected`.
    case unexpected(byte: UInt8, expected: String)
    /// An object has a key twice.
    case duplicateKey(String)
    /// Values are nested deeper than `limit`.
    case tooDeep(limit: Int)
    /// A string or key is not UTF-8.
    case invalidUTF8
    /// An escape is half of a surrogate pair.
    case loneSurrogate
    /// A backslash is not followed by a valid escape.
    case invalidEscape
    /// A string contains an unescaped control character.
    case controlCharacter(UInt8)
    /// A string contains U+0000.
    case nullCharacter
    /// A number does not follow RFC 8259 §6.
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
