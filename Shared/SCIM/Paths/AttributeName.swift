/// Comparison and validation of attribute names and schema URIs, which are ASCII and compared without case (RFC 7643 §2.1).
enum AttributeName {
  static func equal(_ left: String, _ right: String) -> Bool {
    // Fast paths: most names have another length or the same spelling.
    left.utf8.count == right.utf8.count && (left == right || differsInCaseOnly(left.utf8, right.utf8))
  }

  private static func differsInCaseOnly(_ left: String.UTF8View, _ right: String.UTF8View) -> Bool {
    var rest = right.makeIterator()
    for byte in left {
      guard let other = rest.next() else { return false }
      if byte == other { continue }
      guard byte ^ other == 0x20, isLetter(byte | 0x20) else { return false }
    }
    return true
  }

  /// Returns the name in lower case; equal names have the same folded form.
  static func folded(_ name: String) -> String {
    String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// Whether `text` is an ATTRNAME (RFC 7643 §2.1): a letter, then letters, digits, `-` and `_`. A leading `$`, as in `$ref`, and `_` are
  /// valid as well.
  static func isValid(_ text: Substring) -> Bool { isValid(text.utf8) }

  static func isValid(_ text: some Collection<UInt8>) -> Bool {
    var bytes = text[...]
    if bytes.first == UInt8(ascii: "$") { bytes = bytes.dropFirst() }
    guard let first = bytes.first, isLetter(first | 0x20) || first == UInt8(ascii: "_") else { return false }
    return bytes.allSatisfy(isNameByte)
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte | 0x20) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  static func isLetter(_ lowercased: UInt8) -> Bool { (0x61...0x7A).contains(lowercased) }

  /// Returns up to three of `names` with an edit distance of at most two from `name`, closest first.
  static func closest(to name: String, among names: [String]) -> [String] {
    guard (3...64).contains(name.utf8.count) else { return [] }
    let sent = Array(folded(name).utf8)
    let close = names.compactMap { known -> (distance: Int, name: String)? in
      guard abs(known.utf8.count - sent.count) <= 2 else { return nil }
      let distance = editDistance(sent, Array(folded(known).utf8))
      guard distance <= 2 else { return nil }
      return (distance: distance, name: known)
    }
    return close.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map { $0.name }
  }

  /// The Levenshtein distance.
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        current.append(min(previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
