import HTTPTypes
import Hummingbird
import Models

/// The entity tag of settings: their version, such as `"12"` (RFC 9110 §8.8.3).
package struct SettingsETag: Sendable, Equatable {
  /// The version of the settings.
  package var version: Int64

  /// The tag of a version.
  package init(version: Int64) {
    self.version = version
  }

  /// The value of `ETag`.
  package var text: String { "\"\(version)\"" }

  /// Whether `If-None-Match` has the tag, so that the response is 304 without a body.
  package func isKnown(to request: Request) -> Bool {
    guard let header = request.headers[.ifNoneMatch] else { return false }
    return header == "*" || Self.tags(in: header).contains { $0 == text }
  }

  /// The versions that `If-Match` allows; nil if the request has no such header, or allows any version with `*`.
  ///
  /// - Throws: 400 if the header has something else than tags of this API.
  package static func versions(ifMatchOf request: Request) throws(ProblemDetails) -> [Int64]? {
    guard let header = request.headers[.ifMatch] else { return nil }
    let text = header.filter { $0 != " " && $0 != "\t" }
    guard text != "*" else { return nil }
    var versions: [Int64] = []
    for tag in tags(in: header) {
      guard tag.count > 2, tag.first == "\"", tag.last == "\"" else { throw .malformedTag(header) }
      // A tag that no version has matches nothing, and the request fails with 412.
      versions.append(Int64(tag.dropFirst().dropLast()) ?? 0)
    }
    guard !versions.isEmpty else { throw .malformedTag(header) }
    return versions
  }

  /// The tags of a header. A proxy may have made them weak when it compressed the response (RFC 9110 §8.8.1).
  private static func tags(in header: String) -> [Substring] {
    header.split(separator: ",").map { part in
      var tag = part.drop { $0 == " " || $0 == "\t" }
      while let last = tag.last, last == " " || last == "\t" { tag.removeLast() }
      return tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
    }
  }
}

extension ProblemDetails {
  fileprivate static func malformedTag(_ header: String) -> ProblemDetails {
    ProblemDetails(
      400, .invalidParameter,
      "If-Match is '\(header.prefix(100))'; * or the ETag of a response was expected, quotes included, such as \"12\".")
  }

  /// 412 if settings have changed since they were read.
  package static func versionConflict(_ version: Int64) -> ProblemDetails {
    ProblemDetails(
      412, .versionConflict,
      "The settings have changed: their ETag is now \"\(version)\". Nothing was changed. Read them again, and repeat the change.",
      headers: [.eTag: SettingsETag(version: version).text])
  }
}
