/// The error of a filter or path that cannot be parsed.
struct FilterSyntaxError: Error, Sendable, Hashable {
  /// The 0-based byte offset.
  let offset: Int
  let reason: String
}

/// Splits the text of a filter or path into tokens.
struct FilterLexer {
  enum Token: Sendable, Hashable {
    case openParenthesis, closeParenthesis, openBracket, closeBracket
    /// An attribute path, an operator or a literal such as `true`; the parser distinguishes them.
    case word(String)
    /// A dot and a name immediately after a closing bracket.
    case subAttribute(String)
    case string(String)
    case number(JSON)
    case end

    var summary: String {
      switch self {
      case .openParenthesis: "'('"
      case .closeParenthesis: "')'"
      case .openBracket: "'['"
      case .closeBracket: "']'"
      case .word(let text): "'\(text.prefix(80))'"
      case .subAttribute(let name): "'.\(name.prefix(80))'"
      case .string(let text): "the string \"\(text.prefix(80))\""
      case .number(let number): number.summary
      case .end: "the end"
      }
    }
  }

  private let bytes: [UInt8]
  private var index = 0
  /// The byte offset of the last token.
  private(set) var tokenStart = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func next() throws(FilterSyntaxError) -> Token {
    let afterBracket = index > 0 && bytes[index - 1] == UInt8(ascii: "]")
    while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    tokenStart = index
    guard index < bytes.count else { return .end }
    let byte = bytes[index]
    switch byte {
    case UInt8(ascii: "("): return single(.openParenthesis)
    case UInt8(ascii: ")"): return single(.closeParenthesis)
    case UInt8(ascii: "["): return single(.openBracket)
    case UInt8(ascii: "]"): return single(.closeBracket)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "."):
      guard afterBracket else { throw FilterSyntaxError(offset: index, reason: "a '.' stands where no name is before it") }
      index += 1
      let name = run { AttributeName.isNameByte($0) || $0 == UInt8(ascii: "$") }
      guard AttributeName.isValid(name[...]) else { throw FilterSyntaxError(offset: index, reason: "expected a sub-attribute after '.'") }
      return .subAttribute(name)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let lexeme = run { AttributeName.isNameByte($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ".") }
      guard let number = try? JSON(parsing: lexeme) else {
        throw FilterSyntaxError(offset: tokenStart, reason: "'\(lexeme.prefix(80))' is no number; strings stand in double quotes")
      }
      return .number(number)
    default:
      guard Self.isWordByte(byte) else { throw FilterSyntaxError(offset: index, reason: "'\(character)' does not belong here") }
      return .word(run(Self.isWordByte))
    }
  }

  private mutating func single(_ token: Token) -> Token {
    index += 1
    return token
  }

  private mutating func run(_ belongs: (UInt8) -> Bool) -> String {
    let start = index
    while index < bytes.count, belongs(bytes[index]) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  /// Whether a byte belongs to a name, a URI or a literal.
  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "$"), UInt8(ascii: "/"): true
    case UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "~"): true
    default: false
    }
  }

  /// The character at the current byte, for error messages.
  private var character: String {
    String(String(decoding: bytes[index..<min(index + 8, bytes.count)], as: UTF8.self).prefix(1))
  }

  /// Reads a JSON string: the literals of RFC 7644 §3.4.2.2 are those of RFC 8259.
  private mutating func string() throws(FilterSyntaxError) -> String {
    let start = index
    index += 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
    guard index < bytes.count else { throw FilterSyntaxError(offset: start, reason: "a string has no closing double quote") }
    index += 1
    let literal: JSON
    do throws(JSONSyntaxError) {
      literal = try JSON(parsing: Array(bytes[start..<index]))
    } catch {
      throw FilterSyntaxError(offset: start + error.offset, reason: "\(error.reason)")
    }
    guard case .string(let text) = literal else { throw FilterSyntaxError(offset: start, reason: "expected a string") }
    return text
  }
}
