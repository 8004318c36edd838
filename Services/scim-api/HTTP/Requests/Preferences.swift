import HTTPTypes

/// The preferences of a request that this service supports (RFC 7240).
package struct Preferences: Sendable, Equatable {
  /// The seconds that the client is willing to wait for the result (`wait`, §4.3); nil if it does not say.
  package private(set) var wait: Int?

  /// Reads the `Prefer` fields of a request. Malformed and unknown preferences are ignored, and the first of several with the same name counts
  /// (§2).
  package init(_ headers: HTTPFields) {
    var names: Set<String> = []
    for preference in headers[values: .prefer].flatMap({ $0.split(separator: ",") }) {
      // Parameters follow after a semicolon; `wait` has none.
      let parts = (preference.split(separator: ";").first ?? "").split(separator: "=", maxSplits: 1).map(Self.trimmed)
      guard let name = parts.first?.lowercased(), names.insert(name).inserted, name == "wait", parts.count == 2 else { continue }
      let value = parts[1].count > 1 && parts[1].first == "\"" && parts[1].last == "\"" ? parts[1].dropFirst().dropLast() : parts[1][...]
      if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { wait = Int(value) ?? .max }
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}

extension HTTPField.Name {
  /// The preferences of a request (RFC 7240 §2).
  package static let prefer = named("Prefer")
  /// The preferences that the response honours (RFC 7240 §3).
  package static let preferenceApplied = named("Preference-Applied")

  private static func named(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is not a valid header field name") }
    return name
  }
}
