import Foundation

/// A header of a mail as its line, folded and encoded: nothing that is put into it can begin another header.
package struct HeaderField: Sendable, Hashable {
  /// `Name: value`, continued lines after CRLF and a space, without the last CRLF.
  package let line: String

  /// A value made of words that we write ourselves: ids, dates, keywords.
  init(_ name: String, token value: String) {
    line = "\(name): \(value.withoutControlCharacters)"
  }

  /// A value that people read, encoded as RFC 2047 has it where it is not ASCII.
  init(_ name: String, text value: String) {
    line = Self.fold(name, EncodedText.words(of: value.withoutControlCharacters, behind: name.utf8.count + 1))
  }

  /// Addresses with their display names.
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

  /// Breaks between words so that lines keep to 76 octets where words allow it (RFC 5322 §2.1.1, RFC 2047 §2).
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

/// Text of headers as RFC 2047 writes it.
enum EncodedText {
  /// The words of unstructured text: as they are where it is ASCII, else encoded ones.
  ///
  /// - Parameter start: How much of the first line is taken.
  static func words(of text: String, behind start: Int) -> [String] {
    let words = text.split(separator: " ").map(String.init)
    // A word that no line could hold is encoded too: encoded words can be broken, others cannot.
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !text.contains("=?") && words.allSatisfy { $0.utf8.count <= 75 }
    return isPlain ? words : encodedWords(of: text, behind: start)
  }

  /// The words of a display name: atoms, a quoted string (RFC 5322 §3.2.4), or encoded words.
  ///
  /// - Parameter start: How much of the first line is taken.
  static func phrase(_ name: String, behind start: Int) -> [String] {
    guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !name.contains("=?"), name.utf8.count <= 70 else {
      return encodedWords(of: name, behind: start)
    }
    let atext = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~ ".utf8)
    if name.utf8.allSatisfy(atext.contains) { return name.split(separator: " ").map(String.init) }
    let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return ["\"\(escaped)\""]
  }

  /// `=?UTF-8?B?…?=` words of at most 75 octets, none of which cuts a character in two; they keep lines to 76 (RFC 2047 §2).
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

  /// How many octets of text a word can hold that stands behind a space on a line of which `taken` octets are taken: base64 makes four
  /// of three, `=?UTF-8?B?` and `?=` take twelve.
  private static func capacity(ofLineWith taken: Int) -> Int {
    (76 - taken - 1 - 12) / 4 * 3
  }
}
