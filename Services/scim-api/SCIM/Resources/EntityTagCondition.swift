import EdgeHTTP
import EdgeReads
import HTTPTypes
import Models

/// A condition on the version of a resource: `If-Match`, `If-None-Match` (RFC 9110 §13.1, RFC 7644 §3.14), or the `version` of a bulk
/// operation (§3.7).
///
/// The comparison is weak: `W/"3"` equals `"3"`. RFC 7644 uses weak tags with `If-Match`, although RFC 9110 requires a strong comparison
/// there, in which no weak tag matches.
enum EntityTagCondition: Sendable, Equatable {
  /// `*`: any version.
  case any
  /// The opaque tags, without quotes and without the prefix of weak tags.
  case oneOf([Substring])

  /// Parses `*` or a list of entity tags.
  ///
  /// - Parameter source: the name of the header or attribute, for the error message.
  /// - Throws: 400 if the text is neither `*` nor a list of entity tags.
  init(parsing text: String, of source: String) throws(APIError) {
    var rest = text[...]
    rest.trimSpace()
    if rest == "*" {
      self = .any
      return
    }
    var tags: [Substring] = []
    while !rest.isEmpty {
      // A list may have empty elements (RFC 9110 §5.6.1.2).
      guard rest.first != "," else {
        rest.removeFirst()
        rest.trimSpace()
        continue
      }
      if rest.hasPrefix("W/") { rest.removeFirst(2) }
      guard rest.popFirst() == "\"", let end = rest.firstIndex(of: "\"") else { throw .malformedEntityTags(text, in: source) }
      tags.append(rest[..<end])
      rest = rest[rest.index(after: end)...]
      rest.trimSpace()
      guard rest.isEmpty || rest.first == "," else { throw .malformedEntityTags(text, in: source) }
    }
    guard !tags.isEmpty else { throw .malformedEntityTags(text, in: source) }
    self = .oneOf(tags)
  }

  /// Parses a header of a request; nil if the header is absent.
  init?(_ name: HTTPField.Name, of request: HTTPRequest) throws(APIError) {
    guard let text = request.headerFields[name] else { return nil }
    try self.init(parsing: text, of: name.rawName)
  }

  /// Whether an existing resource with this version meets the condition.
  func matches(_ version: Int64) -> Bool {
    switch self {
    case .any: true
    case .oneOf(let tags): tags.contains { $0 == String(version) }
    }
  }

  /// The versions that meet the condition, for the command; nil for any version. Tags in another format match no version.
  var expectedVersions: [Int64]? {
    switch self {
    case .any: nil
    case .oneOf(let tags): tags.compactMap { tag in Int64(tag).flatMap { String($0) == tag ? $0 : nil } }
    }
  }
}

extension Substring {
  /// Drops the spaces and tabs at both ends.
  fileprivate mutating func trimSpace() {
    while first == " " || first == "\t" { removeFirst() }
    while last == " " || last == "\t" { removeLast() }
  }
}

extension APIError {
  fileprivate static func malformedEntityTags(_ text: String, in source: String) -> APIError {
    APIError(
      400, .invalidValue,
      """
      \(source) is '\(text.prefix(100))'; * or entity tags were expected, as ETag and meta.version give them, quotes included: W/"3", or \
      W/"3", W/"4".
      """)
  }
}
