import Hummingbird
import SCIM

/// Reads JSON request bodies. Limits the size of each body, and the memory for all bodies.
package struct BodyReader: Sendable {
  /// The largest body, in bytes.
  package let maximum: Int
  /// The memory budget of all bodies.
  package let budget: BodyBudget

  /// A reader of bodies of at most `maximum` bytes each.
  package init(maximum: Int, budget: BodyBudget) {
    self.maximum = maximum
    self.budget = budget
  }

  /// The largest body of one sign-in or one mail event, in bytes.
  package static let maximumEvent = 16 << 10
  /// The largest body of a batch of sign-ins, in bytes.
  package static let maximumEvents = 2 << 20

  /// Reads the JSON body of `request`, and records it in `info`.
  ///
  /// - Parameters:
  ///   - share: the memory of the body, reserved until the caller releases it.
  ///   - maximum: the largest body of this endpoint, in bytes, if it is less than the reader's.
  /// - Throws: 415, 413, 429, 503 or 400 ``APIError``s.
  package func json(
    in request: Request, share: inout BodyBudget.Share, info: RequestInfo, maximum: Int? = nil
  ) async throws -> JSON {
    try await Self.json(of: try await bytes(of: request, share: &share, maximum: maximum), info: info)
  }

  /// Parses the JSON of a body, off the event loops if it is large, and records it in `info`.
  ///
  /// - Throws: 400 or 415.
  package static func json(of bytes: [UInt8], info: RequestInfo) async throws -> JSON {
    guard bytes.count > BodyBudget.smallBody else { return try parse(bytes, info: info) }
    return try await BlockingWork.run { try parse(bytes, info: info) }
  }

  /// Reads the body of `request`, whose `Content-Type` must be JSON or missing.
  ///
  /// - Throws: 415, 413, 429 or 503 ``APIError``s.
  package func bytes(of request: Request, share: inout BodyBudget.Share, maximum: Int? = nil) async throws -> [UInt8] {
    try MediaType.check(contentType: request.headers[.contentType])
    return try await Self.collect(request, share: &share, maximum: min(maximum ?? self.maximum, self.maximum))
  }

  /// Reads the body of `request`, of any media type. Memory is reserved as bytes arrive.
  ///
  /// - Throws: 415, 413, 429 or 503 ``APIError``s.
  package static func collect(_ request: Request, share: inout BodyBudget.Share, maximum: Int) async throws -> [UInt8] {
    try MediaType.check(contentEncoding: request.headers[values: .contentEncoding])
    if let announced = request.headers[.contentLength], RequestFramingMiddleware.exceeds(announced, maximum) {
      throw APIError.bodyTooLarge(limit: maximum)
    }
    var bytes: [UInt8] = []
    for try await part in request.body {
      guard bytes.count + part.readableBytes <= maximum else { throw APIError.bodyTooLarge(limit: maximum) }
      try share.take(part.readableBytes)
      bytes.append(contentsOf: part.readableBytesView)
    }
    return bytes
  }

  /// Parses the JSON of a body, and records it in `info`.
  ///
  /// - Throws: 400 or 415.
  package static func parse(_ bytes: [UInt8], info: RequestInfo) throws(APIError) -> JSON {
    do throws(APIError) {
      let json = try parse(bytes)
      info.record(body: RecordedBody(json, bytes: bytes.count))
      return json
    } catch {
      info.record(body: .unreadable(bytes: bytes.count))
      throw error
    }
  }

  /// Parses the JSON of a body.
  ///
  /// - Throws: 400 or 415.
  package static func parse(_ bytes: [UInt8]) throws(APIError) -> JSON {
    do {
      // RFC 8259 §8.1: a byte order mark may be ignored.
      let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
      return try JSON(parsing: hasMark ? Array(bytes.dropFirst(3)) : bytes)
    } catch {
      if error.reason == .empty { throw .bodyMissing() }
      if let encoding = MediaType.otherEncoding(of: bytes) { throw .unsupportedBody(encoding) }
      throw APIError(400, .invalidSyntax, "The body is not valid JSON: \(error).")
    }
  }
}
