import Primitives

extension JSON {
  /// Parses a JSON text (RFC 8259) in UTF-8.
  ///
  /// Strict: duplicate keys, invalid UTF-8, lone surrogates, a byte order mark and content after the value are errors.
  public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONSyntaxError) {
    self = try bytes.withUnsafeBufferPointer { buffer throws(JSONSyntaxError) in
      var parser = JSONParser(buffer, limits: limits)
      return try parser.parse()
    }
  }

  /// Parses a JSON text, such as JSON in a string.
  public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONSyntaxError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}

/// A recursive-descent parser over borrowed bytes. Every access is preceded by a bounds check.
private struct JSONParser {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let limits: JSONLimits
  private var index = 0
  private var depth = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func parse() throws(JSONSyntaxError) -> JSON {
    skipWhitespace()
    guard index < bytes.count else { throw error(.empty) }
    let value = try parseValue()
    skipWhitespace()
    guard index == bytes.count else { throw error(.trailingContent) }
    return value
  }

  private func error(_ reason: JSONSyntaxError.Reason, at offset: Int? = nil) -> JSONSyntaxError {
    JSONSyntaxError(offset: offset ?? index, reason: reason)
  }

  private func unexpected(_ expected: String) -> JSONSyntaxError {
    index < bytes.count ? error(.unexpected(byte: bytes[index], expected: expected)) : error(.unexpectedEnd)
  }

  private mutating func skipWhitespace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x0A, 0x0D, 0x09: index += 1
      default: return
      }
    }
  }

  private mutating func parseValue() throws(JSONSyntaxError) -> JSON {
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    switch bytes[index] {
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw unexpected("a value")
    }
  }

  private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
    let letters = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    for letter in letters {
      guard index < bytes.count, bytes[index] == letter else { throw unexpected("'\(word)'") }
      index += 1
    }
    return value
  }

  private mutating func enter() throws(JSONSyntaxError) {
    depth += 1
    guard depth <= limits.depth else { throw error(.tooDeep(limit: limits.depth)) }
    index += 1
    skipWhitespace()
  }

  private mutating func parseArray() throws(JSONSyntaxError) -> JSON {
    try enter()
    var elements: [JSON] = []
    if index < bytes.count, bytes[index] == UInt8(ascii: "]") {
      index += 1
      depth -= 1
      return .array(elements)
    }
    while true {
      elements.append(try parseValue())
      skipWhitespace()
      guard index < bytes.count else { throw error(.unexpectedEnd) }
      switch bytes[index] {
      case UInt8(ascii: ","):
        index += 1
        skipWhitespace()
      case UInt8(ascii: "]"):
        index += 1
        depth -= 1
        return .array(elements)
      default: throw unexpected("',' or ']'")
      }
    }
  }

  private mutating func parseObject() throws(JSONSyntaxError) -> JSON {
    try enter()
    var members: [JSONObject.Member] = []
    if index < bytes.count, bytes[index] == UInt8(ascii: "}") {
      index += 1
      depth -= 1
      return .object(JSONObject())
    }
    // Most SCIM objects have three or four members.
    members.reserveCapacity(4)
    var seen = SeenKeys()
    while true {
      guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
      let start = index
      let key = try parseString()
      guard seen.isNew(key, among: members) else { throw error(.duplicateKey(key), at: start) }
      skipWhitespace()
      guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { throw unexpected("':'") }
      index += 1
      skipWhitespace()
      members.append(JSONObject.Member(key: key, value: try parseValue()))
      skipWhitespace()
      guard index < bytes.count else { throw error(.unexpectedEnd) }
      switch bytes[index] {
      case UInt8(ascii: ","):
        index += 1
        skipWhitespace()
      case UInt8(ascii: "}"):
        index += 1
        depth -= 1
        return .object(JSONObject(uncheckedMembers: members))
      default: throw unexpected("',' or '}'")
      }
    }
  }

  private mutating func parseNumber() throws(JSONSyntaxError) -> JSON {
    let start = index
    if bytes[index] == UInt8(ascii: "-") { index += 1 }
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    var isInteger = true
    if bytes[index] == UInt8(ascii: "0") {
      index += 1
    } else {
      try skipDigits()
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      try skipDigits()
    }
    if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index += 1 }
      try skipDigits()
    }
    if index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { throw error(.invalidNumber) }
    let lexeme = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<index]), as: UTF8.self)
    if isInteger, let value = Int64(lexeme) { return .integer(value) }
    return .decimal(lexeme)
  }

  private mutating func skipDigits() throws(JSONSyntaxError) {
    let start = index
    while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
    guard index > start else { throw index < bytes.count ? error(.invalidNumber) : error(.unexpectedEnd) }
  }

  /// Parses a string whose opening quote is the current byte.
  private mutating func parseString() throws(JSONSyntaxError) -> String {
    let start = index + 1
    var end = start
    var seenHighBit: UInt8 = 0
    while end < bytes.count {
      let byte = bytes[end]
      if byte == UInt8(ascii: "\"") {
        let text = try text(start..<end, isASCII: seenHighBit < 0x80)
        index = end + 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start, firstEscape: end) }
      if byte < 0x20 { throw error(.controlCharacter(byte), at: end) }
      seenHighBit |= byte
      end += 1
    }
    throw error(.unexpectedEnd, at: end)
  }

  private func text(_ range: Range<Int>, isASCII: Bool) throws(JSONSyntaxError) -> String {
    let buffer = UnsafeBufferPointer(rebasing: bytes[range])
    if isASCII { return String(decoding: buffer, as: UTF8.self) }
    guard let text = String(validating: buffer, as: UTF8.self) else {
      throw error(.invalidUTF8, at: range.lowerBound + UTF8Check.offsetOfFirstError(in: buffer))
    }
    return text
  }

  private mutating func parseEscapedString(from start: Int, firstEscape: Int) throws(JSONSyntaxError) -> String {
    var content = Array(bytes[start..<firstEscape])
    index = firstEscape
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw error(.invalidUTF8, at: start) }
        index += 1
        return text
      case UInt8(ascii: "\\"): try parseEscape(into: &content)
      case 0..<0x20: throw error(.controlCharacter(byte))
      default:
        content.append(byte)
        index += 1
      }
    }
    throw error(.unexpectedEnd)
  }

  private mutating func parseEscape(into content: inout [UInt8]) throws(JSONSyntaxError) {
    guard index + 1 < bytes.count else { throw error(.unexpectedEnd, at: bytes.count) }
    let letter = bytes[index + 1]
    let plain: UInt8
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = letter
    case UInt8(ascii: "b"): plain = 0x08
    case UInt8(ascii: "f"): plain = 0x0C
    case UInt8(ascii: "n"): plain = 0x0A
    case UInt8(ascii: "r"): plain = 0x0D
    case UInt8(ascii: "t"): plain = 0x09
    case UInt8(ascii: "u"):
      let escape = index
      let unit = try parseHexadecimal(at: index)
      index += 6
      content.append(contentsOf: try utf8(of: unit, escapedAt: escape))
      return
    default: throw error(.invalidEscape)
    }
    content.append(plain)
    index += 2
  }

  private mutating func utf8(of unit: UInt32, escapedAt escape: Int) throws(JSONSyntaxError) -> String.UTF8View {
    var scalar = unit
    if (0xD800...0xDBFF).contains(unit) {
      guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
        throw error(.loneSurrogate, at: escape)
      }
      let low = try parseHexadecimal(at: index)
      guard (0xDC00...0xDFFF).contains(low) else { throw error(.loneSurrogate, at: escape) }
      index += 6
      scalar = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
    }
    if scalar == 0, !limits.allowsNullCharacter { throw error(.nullCharacter, at: escape) }
    guard let character = Unicode.Scalar(scalar) else { throw error(.loneSurrogate, at: escape) }
    return String(character).utf8
  }

  /// Parses the four digits of the `\uXXXX` at `escape`.
  private func parseHexadecimal(at escape: Int) throws(JSONSyntaxError) -> UInt32 {
    guard escape + 6 <= bytes.count else { throw error(.unexpectedEnd, at: bytes.count) }
    var value: UInt32 = 0
    for byte in bytes[escape + 2..<escape + 6] {
      guard let digit = Hex.value(ofDigit: byte) else { throw error(.invalidEscape, at: escape) }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}

/// Detects duplicate keys: by comparison in small objects, with a hash set in large ones.
private struct SeenKeys {
  private static let fewEnoughToCompare = 24
  private var hashed: Set<String> = []

  mutating func isNew(_ key: String, among members: [JSONObject.Member]) -> Bool {
    if members.count < Self.fewEnoughToCompare {
      for member in members where member.key.utf8.count == key.utf8.count && member.key == key { return false }
      return true
    }
    if hashed.isEmpty { hashed = Set(members.map(\.key)) }
    return hashed.insert(key).inserted
  }
}

/// Finds the first byte of a text that is not valid UTF-8.
private enum UTF8Check {
  static func offsetOfFirstError(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): offset += UTF8.width(scalar)
      case .emptyInput, .error: return offset
      }
    }
  }
}
