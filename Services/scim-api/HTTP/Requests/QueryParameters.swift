import Primitives
import SCIM

/// The query parameters of a request. Names are case-insensitive.
///
/// A `+` means a space only if the value has no `%20`. This supports both encodings of a space, and keeps the `+` of
/// `ana+test@example.com` from clients that encode spaces as `%20` and do not escape `+` (RFC 3986).
package struct QueryParameters: Sendable, Equatable {
  private var values: [String: String] = [:]

  /// Parses a query string.
  ///
  /// - Throws: 400 if a value is not percent-encoded UTF-8.
  package init(_ query: String?) throws(APIError) {
    guard let query, !query.isEmpty else { return }
    for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = Self.decode(Array(parts[0])) ?? String(decoding: parts[0], as: UTF8.self)
      guard let value = Self.decode(parts.count > 1 ? Array(parts[1]) : []) else {
        throw APIError(400, .invalidValue, "The query parameter '\(name.prefix(50))' is not percent-encoded UTF-8.")
      }
      // The first of several values is used.
      if values[name.lowercased()] == nil { values[name.lowercased()] = value }
    }
  }

  /// Checks that all values can be sent to PostgreSQL.
  ///
  /// - Throws: 400 if a value contains U+0000, which `text` does not allow.
  package func checkText() throws(APIError) {
    for (name, value) in values where value.utf8.contains(0) { throw .nullCharacter(in: "The query parameter '\(name.prefix(50))'") }
  }

  /// The value of `name`; nil if it is missing or empty.
  package subscript(name: String) -> String? {
    guard let value = given(name), !value.isEmpty else { return nil }
    return value
  }

  /// The value of `name`, which may be empty; nil if it is missing.
  package func given(_ name: String) -> String? { values.isEmpty ? nil : values[name.lowercased()] }

  /// The names of all parameters, in lower case.
  package var names: Set<String> { Set(values.keys) }

  /// The integer value of `name`; nil if it is missing or empty.
  ///
  /// - Throws: 400 if the value is not an integer.
  package func integer(_ name: String) throws(APIError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text) else {
      throw APIError(400, .invalidValue, "\(name) is '\(text.prefix(50))'; expected a whole number.")
    }
    return number
  }

  private static func decode(_ bytes: [UInt8]) -> String? {
    let plusIsSpace = !bytes.indices.contains { index in
      bytes[index] == UInt8(ascii: "%") && bytes[index...].dropFirst().prefix(2).elementsEqual([UInt8(ascii: "2"), UInt8(ascii: "0")])
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "%"):
        guard index + 2 < bytes.count, let high = Hex.value(ofDigit: bytes[index + 1]),
          let low = Hex.value(ofDigit: bytes[index + 2])
        else { return nil }
        decoded.append(high << 4 | low)
        index += 3
      case UInt8(ascii: "+") where plusIsSpace:
        decoded.append(UInt8(ascii: " "))
        index += 1
      case let byte:
        decoded.append(byte)
        index += 1
      }
    }
    return String(validating: decoded, as: UTF8.self)
  }
}

extension APIError {
  /// An error for text that PostgreSQL cannot store.
  ///
  /// - Parameter subject: the subject of the sentence.
  package static func nullCharacter(in subject: String) -> APIError {
    APIError(400, .invalidValue, "\(subject) contains the character U+0000, which cannot be stored. Leave it out.")
  }
}
