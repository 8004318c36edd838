import HTTPTypes
import Hummingbird

/// Rejects requests whose framing is not supported (RFC 9112 §6) or whose host is ambiguous (§3.2), before they are processed.
package struct RequestFramingMiddleware: RouterMiddleware {
  /// The largest body of any request, in bytes.
  package let maximumBody: Int

  /// A middleware for bodies of at most `maximumBody` bytes.
  package init(maximumBody: Int) {
    self.maximumBody = maximumBody
  }

  /// Checks the request, and passes it on.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    do throws(APIError) {
      try check(request.headers)
    } catch {
      await Self.skipParserError(of: request)
      throw error
    }
    return try await next(request, context)
  }

  /// - Throws: 400, 413 or 501 for unsupported framing.
  package func check(_ headers: HTTPFields) throws(APIError) {
    if headers.contains(.transferEncoding) {
      let codings = headers[values: .transferEncoding].joined(separator: ",")
      let names = codings.split(separator: ",").map { $0.filter { !$0.isWhitespace }.lowercased() }
      if !codings.isEmpty, names != ["chunked"] { throw .unsupportedTransferEncoding(codings) }
    }
    if let announced = headers[.contentLength], Self.exceeds(announced, maximumBody) { throw .bodyTooLarge(limit: maximumBody) }
    // The first Host header has become the request's authority, and is no longer among the fields.
    if let host = Self.host, headers.contains(host) {
      throw APIError(400, .invalidValue, "The request has more than one Host header. Send one.")
    }
  }

  private static let host = HTTPField.Name("Host")

  /// Consumes the error of the HTTP parser, which stops at a Transfer-Encoding that does not end in `chunked`. The request would otherwise
  /// get a second response.
  private static func skipParserError(of request: Request) async {
    guard let last = request.headers[values: .transferEncoding].last, !last.lowercased().hasSuffix("chunked") else { return }
    do {
      for try await _ in request.body {}
    } catch {
      // The caller throws a more precise error.
    }
  }

  /// Whether a Content-Length is larger than `maximum`; it may exceed the range of `Int`.
  static func exceeds(_ contentLength: String, _ maximum: Int) -> Bool {
    if let length = Int(contentLength) { return length > maximum }
    let digits = contentLength.filter { !$0.isWhitespace }
    guard let length = Int(digits) else { return !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    return length > maximum
  }
}

/// Limits the length of a URL.
package struct URLLengthMiddleware: RouterMiddleware {
  /// The longest URL, in bytes.
  static let maximum = 8192

  /// A middleware with the limit of ``maximum`` bytes.
  package init() {}

  /// Checks the request, and passes it on.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    guard request.head.path?.utf8.count ?? 0 <= Self.maximum else { throw APIError.urlTooLong(limit: Self.maximum) }
    return try await next(request, context)
  }
}
