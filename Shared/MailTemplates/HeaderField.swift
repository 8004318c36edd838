import Foundation

/// A mail header, encoded and folded. Values cannot inject further headers.
package struct HeaderField: Sendable, Hashable {
  /// `Name: value`, with CRLF and a space before continuation lines, without the final CRLF.
  package let line: String

  /// A header with a value that is generated here: an id, a date, a keyword.
  init(_ name: String, token value: String) {
    line = "\(name): \(value.withoutControlCharacters)"
  }

  /// A header with human-readable text, encoded (RFC 2047) if it is not ASCII.
  init(_ name: String, text value: String) {
    line = Self.fold(name, EncodedText.words(of: value.withoutControlCharacters, behind: name.utf8.count + 1))
  }

  /// A header with addresses and their display names.
  init(_ name: String, addresses: [MailAddress]) {
    var words: [String] = []
    for (index, address) in addresses.enumerated() {
      let comma = index == addresses.count - 1 ? "" : ","
      if let displayName = address.name {
        words += EncodedText.phrase(displayName, behind: name.utf8.count + 1)
        words.append("<\(address.address)>\(comma)")
      } else {
        words.append("\(address.address)\(comma)")
      }
    }
    line = Self.fold(name, words)
  }

  /// Breaks the line between words at 76 octets, where words allow it (RFC 5322 §2.1.1, RFC 2047 §2).
  private static func fold(_ name: String, _ words: [String]) -> String {
    var line = "\(name):"
    var length = line.utf8.count
    for word in words {
      if length + 1 + word.utf8.count > 76, length > name.utf8.count + 1 {
        line += "\r\n"
        length = 0
      }
      line += " \(word)"
      length += 1 + word.utf8.count
    }
    return line
  }
}

/// Encodes header text (RFC 2047).
enum EncodedText {
  /// The words of unstructured text: plain if it is ASCII, else encoded.
  ///
  /// - Parameter start: How many octets of the first line are used.
  static func words(of text: String, behind start: Int) -> [String] {
    let words = text.split(separator: " ").map(String.init)
    // A word that does not fit a line is encoded too, because encoded words can be split.
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !text.contains("=?") && words.allSatisfy { $0.utf8.count <= 75 }
    return isPlain ? words : encodedWords(of: text, behind: start)
  }

  /// The words of a display name: atoms, a quoted string (RFC 5322 §3.2.4), or encoded words.
  ///
  /// - Parameter start: How many octets of the first line are used.
  static func phrase(_ name: String, behind start: Int) -> [String] {
    guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !name.contains("=?"), name.utf8.count <= 70 else {
      return encodedWords(of: name, behind: start)
    }
    if name.utf8.allSatisfy(atext.contains) { return name.split(separator: " ").map(String.init) }
    let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return ["\"\(escaped)\""]
  }

  /// The characters of atoms, and the space between them.
  private static let atext = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~ ".utf8)

  /// `=?UTF-8?B?…?=` words of at most 75 octets, on lines of at most 76 (RFC 2047 §2). No character is split.
  private static func encodedWords(of text: String, behind start: Int) -> [String] {
    var most = capacity(ofLineWith: start)
    var words: [String] = []
    var chunk: [UInt8] = []
    func encoded(_ bytes: [UInt8]) -> String { "=?UTF-8?B?\(Data(bytes).base64EncodedString())?=" }
    for scalar in text.unicodeScalars {
      let bytes = Array(String(scalar).utf8)
      if chunk.count + bytes.count > most, !chunk.isEmpty {
        words.append(encoded(chunk))
        chunk = []
        most = capacity(ofLineWith: 0)
      }
      chunk += bytes
    }
    if !chunk.isEmpty { words.append(encoded(chunk)) }
    return words
  }

  /// How many octets of text fit into an encoded word after a space, on a line of which `taken` octets are used. base64 turns three octets
  /// into four; `=?UTF-8?B?` and `?=` take twelve.
  private static func capacity(ofLineWith taken: Int) -> Int {
    (76 - taken - 1 - 12) / 4 * 3
  }
}

/// Formats the date of a mail (RFC 5322 §3.3).
enum MailDate {
  /// The text of a time, for example `Mon, 24 Nov 2025 02:22:37 +0000`.
  static func text(_ time: Date) -> String { time.formatted(style) }

  private static let style = Date.VerbatimFormatStyle(
    format:
      "\(weekday: .abbreviated), \(day: .defaultDigits) \(month: .abbreviated) \(year: .defaultDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) +0000",
    locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
}
