import EdgeHTTP
import EdgeReads
import HTTPTypes
import Models

/// What `If-Match` and `If-None-Match` say of a resource's version (RFC 9110 §13.1, RFC 7644 §3.14), and `version` of an operation in a
/// bulk request (§3.7).
///
/// Tags are compared weakly, so that `W/"3"` and `"3"` are the same: ours are weak, and RFC 7644 has them used with `If-Match` all the
/// same, where RFC 9110 by itself would have none of them match.
enum EntityTagCondition: Sendable, Equatable {
  /// `*`: whatever there is.
  case any
  /// The texts of the tags, without quotes and without what says that they are weak.
  case oneOf([Substring])

  /// - Parameter source: where the text stands, for the refusal: `If-Match`.
  /// - Throws: 400 where the text is neither `*` nor a list of entity tags.
  init(parsing text: String, of source: String) throws(APIError) {
    var rest = text[...]
    rest.trimSpace()
    if rest == "*" {
      self = .any
      return
    }
    var tags: [Substring] = []
    while !rest.isEmpty {
      // A list may have empty places (RFC 9110 §5.6.1.2).
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

  /// The condition in a header of a request; nil where the header is not there.
  init?(_ name: HTTPField.Name, of request: HTTPRequest) throws(APIError) {
    guard let text = request.headerFields[name] else { return nil }
    try self.init(parsing: text, of: name.rawName)
  }

  /// Whether a resource that is there and has this version is meant.
  func matches(_ version: Int64) -> Bool {
    switch self {
    case .any: true
    case .oneOf(let tags): tags.contains { $0 == String(version) }
    }
  }

  /// The versions that are meant, for the command; nil for any. A tag that is none of ours names none.
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
