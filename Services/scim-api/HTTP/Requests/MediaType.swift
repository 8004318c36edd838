import HTTPTypes

/// The media types of requests and responses, and content negotiation.
package enum MediaType {
  /// SCIM (RFC 7644 §8.1).
  package static let scim = "application/scim+json"
  /// JSON (RFC 8259 §11).
  package static let json = "application/json"

  private static let scimInUTF8 = "application/scim+json; charset=utf-8"
  private static let jsonInUTF8 = "application/json; charset=utf-8"
  /// The values that nearly all clients send, which are compared before any other is parsed.
  private static let usualContentTypes = [scim, json, scimInUTF8, jsonInUTF8]

  /// The `Content-Type` of a response in `type`, encoded in UTF-8.
  static func inUTF8(_ type: String) -> String { type == scim ? scimInUTF8 : type == json ? jsonInUTF8 : "\(type); charset=utf-8" }

  /// Checks the `Content-Type` of a body. A missing one counts as JSON.
  ///
  /// - Throws: 415 for anything but JSON in UTF-8.
  package static func check(contentType: String?) throws(APIError) {
    guard let contentType, !contentType.isEmpty, !usualContentTypes.contains(contentType) else { return }
    let name = essence(contentType)
    guard name == scim || name == json else { throw .unsupportedMediaType(contentType) }
    guard let charset = parameter("charset", of: contentType) else { return }
    guard ["utf-8", "utf8", "us-ascii"].contains(charset) else { throw .unsupportedMediaType(contentType) }
  }

  /// Checks the `Content-Encoding` of a body (RFC 9110 §8.4).
  ///
  /// - Throws: 415 for anything but `identity`.
  package static func check(contentEncoding: [String]) throws(APIError) {
    guard !contentEncoding.isEmpty else { return }
    let codings = contentEncoding.flatMap { $0.split(separator: ",") }.map { essence($0) }
    guard let coding = codings.first(where: { !$0.isEmpty && $0 != "identity" }) else { return }
    throw .unsupportedContentEncoding(coding)
  }

  /// Detects the encoding of a body that is not JSON in UTF-8 by its first bytes; nil if it is unknown.
  static func otherEncoding(of bytes: [UInt8]) -> BodyEncoding? {
    if bytes.starts(with: [0x1F, 0x8B]) { return .gzip }
    if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) { return .utf16 }
    // JSON begins with an ASCII character, which has one zero byte in UTF-16 and three in UTF-32.
    guard bytes.count >= 2, bytes.prefix(4).contains(where: { $0 != 0 }) else { return nil }
    return (bytes[0] == 0) != (bytes[1] == 0) ? .utf16 : nil
  }

  /// An encoding of a body that is not supported.
  enum BodyEncoding: Sendable {
    case gzip
    case utf16
  }

  /// The media type of a response: `application/json` for a client that accepts it but not `application/scim+json`, the preferred one
  /// (RFC 7644 §3.8). An `Accept` with neither gets `application/scim+json`, since an error response needs a media type, too.
  package static func ofAnswer(accept: String?) -> String {
    guard let accept, accept != scim, accept != "*/*" else { return scim }
    if accept == json { return json }
    var acceptsJSON = false
    for range in accept.split(separator: ",") {
      switch essence(range) {
      case scim, "*/*", "application/*": return scim
      case json: acceptsJSON = true
      default: continue
      }
    }
    return acceptsJSON ? json : scim
  }

  /// Checks that `Accept` allows JSON (RFC 9110 §12.5.1). It is interpreted leniently: any JSON media type counts, and so does a
  /// malformed range.
  ///
  /// - Throws: 406 if it does not allow JSON.
  package static func check(accept: String?) throws(APIError) {
    guard let accept, accept != scim, accept != json, accept != "*/*", accept.contains(where: { !$0.isWhitespace }) else { return }
    var isExcluded = true
    for range in accept.split(separator: ",") {
      let name = essence(range)
      guard name.contains("/") || name == "*" else { return }
      let isJSON = name == "*" || name == "*/*" || name == "application/*" || name.hasSuffix("/json") || name.hasSuffix("+json")
      // A weight of 0 means "not acceptable" (RFC 9110 §12.4.2).
      let weight = parameter("q", of: String(range)).flatMap { Double($0) } ?? 1
      if isJSON, weight > 0 { isExcluded = false }
    }
    guard !isExcluded else { throw .notAcceptable(accept) }
  }

  /// Type and subtype in lower case, without parameters.
  private static func essence(_ text: some StringProtocol) -> String {
    String(text.prefix { $0 != ";" }).filter { !$0.isWhitespace }.lowercased()
  }

  private static func parameter(_ name: String, of text: String) -> String? {
    for parameter in text.split(separator: ";").dropFirst() {
      let parts = parameter.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }).lowercased() == name else { continue }
      return parts[1].filter { !$0.isWhitespace && $0 != "\"" }.lowercased()
    }
    return nil
  }
}
