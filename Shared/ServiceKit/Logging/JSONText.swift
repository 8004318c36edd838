/// Writes JSON into bytes, for log lines and health answers.
struct JSONText {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 512) {
    bytes.reserveCapacity(capacity)
  }

  /// A string literal: quotes, backslashes, control characters and the line separators of JavaScript are escaped, so that it stays on
  /// one line and can pretend to be nothing else.
  mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    let isPlain = text.withUTF8 { utf8 in
      guard utf8.allSatisfy(Self.isPlain) else { return false }
      bytes.append(contentsOf: utf8)
      return true
    }
    if !isPlain { escape(text) }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether a byte is of ASCII and stands for itself.
  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func escape(_ text: String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": raw("\\\"")
      case "\\": raw("\\\\")
      case "\n": raw("\\n")
      case "\r": raw("\\r")
      case "\t": raw("\\t")
      // C0 and C1 controls, DEL, and what moves the direction or line of a terminal's text.
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}": escape(scalar.value)
      default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  /// Appends an object. `write` appends its members, each a ``name(_:)`` and a value.
  mutating func object(_ write: (inout JSONText) -> Void) {
    raw("{")
    write(&self)
    raw("}")
  }

  /// Appends the name of an object's next member; the value must follow.
  mutating func name(_ name: String) {
    if bytes.last != UInt8(ascii: "{") { raw(",") }
    string(name)
    raw(":")
  }

  /// Appends a member whose value is a string.
  mutating func member(_ name: String, _ value: String) {
    self.name(name)
    string(value)
  }

  /// Appends an array with one element for each of `elements`.
  mutating func array<Element>(_ elements: some Sequence<Element>, _ write: (inout JSONText, Element) -> Void) {
    raw("[")
    var isFirst = true
    for element in elements {
      if !isFirst { raw(",") }
      isFirst = false
      write(&self, element)
    }
    raw("]")
  }

  /// Appends text that is already JSON.
  mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func escape(_ value: UInt32) {
    let digits = String(value, radix: 16)
    raw("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }
}
