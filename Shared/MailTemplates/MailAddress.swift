import Foundation

/// A mail address that is safe in an envelope and a header: `ana@example.com`, with an optional display name.
package struct MailAddress: Sendable, Hashable {
  /// The display name; any text.
  package let name: String?
  /// Local part, `@` and domain, without spaces, control characters and brackets.
  package let address: String

  /// Validates an address; nil if it is invalid.
  ///
  /// An internationalised domain is converted to its ASCII form (RFC 5890 §2.3.2.1), which every server supports.
  package init?(name: String? = nil, address: String) {
    guard Self.isAddress(address), let address = Self.withASCIIDomain(address) else { return nil }
    let name = name.map { $0.withoutControlCharacters }
    self.name = name.flatMap { $0.isEmpty ? nil : $0 }
    self.address = address
  }

  /// Parses `Rollcall <invitations@example.com>` or `invitations@example.com`; nil for other text.
  package init?(parsing text: String) {
    let text = text.trimmingSpaces
    guard text.hasSuffix(">") else {
      self.init(address: text)
      return
    }
    guard let open = text.lastIndex(of: "<") else { return nil }
    let address = text[text.index(after: open)...].dropLast()
    var name = String(text[..<open]).trimmingSpaces
    if name.count >= 2, name.hasPrefix("\""), name.hasSuffix("\"") { name = String(name.dropFirst().dropLast()) }
    self.init(name: name, address: String(address))
  }

  /// The part after the `@`.
  package var domain: Substring { address[address.index(after: address.lastIndex(of: "@") ?? address.startIndex)...] }

  /// Whether the address needs no SMTPUTF8.
  package var isASCII: Bool { address.utf8.allSatisfy { $0 < 0x80 } }

  private static func withASCIIDomain(_ text: String) -> String? {
    guard let at = text.lastIndex(of: "@"), !text[at...].utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    guard let host = URLComponents(string: "https://\(text[text.index(after: at)...])/")?.encodedHost, host.utf8.allSatisfy({ $0 < 0x80 }),
      !host.contains("%")
    else { return nil }
    return text[...at] + host
  }

  private static let rejected: Set<Unicode.Scalar> = ["<", ">", "(", ")", ",", ";", ":", "\\", "\""]

  /// Checks that the address is a single word on a single line. The server checks the grammar of RFC 5321 §4.1.2.
  private static func isAddress(_ text: String) -> Bool {
    guard text.utf8.count <= 254, let at = text.lastIndex(of: "@"), at != text.startIndex, text.index(after: at) != text.endIndex
    else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      !rejected.contains(scalar) && !scalar.properties.isWhitespace && !scalar.isControl
    }
  }
}

extension Unicode.Scalar {
  /// Whether the character is a control character (C0, DEL, C1), a line or paragraph separator, or changes the direction of text.
  var isControl: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
    case .format: (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
    default: false
    }
  }
}

extension String {
  /// The text with each run of control characters and white space replaced by one space, and trimmed: safe in a header and on one line.
  package var withoutControlCharacters: String {
    if isPlainLine { return self }
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      let isSpace = scalar.isControl || scalar.properties.isWhitespace
      if !isSpace {
        result.append(scalar)
      } else if let last = result.last, last != " " {
        result.append(" ")
      }
    }
    if result.last == " " { result.removeLast() }
    return String(result)
  }

  /// Whether the text consists of printable ASCII characters with single spaces between them.
  private var isPlainLine: Bool {
    var previous = UInt8(ascii: " ")
    for byte in utf8 {
      guard byte > 0x20 && byte < 0x7F || byte == 0x20 && previous != 0x20 else { return false }
      previous = byte
    }
    return previous != 0x20 || isEmpty
  }

  /// The text without white space at both ends.
  package var trimmingSpaces: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
