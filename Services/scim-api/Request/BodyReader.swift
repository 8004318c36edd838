import Hummingbird
import SCIM

/// Reads request bodies: JSON, of a bounded size, one by one and all together.
struct BodyReader: Sendable {
  /// The largest body, in bytes.
  let maximum: Int
  let budget: BodyBudget

  /// The JSON in the body of `request`. `share` is what it takes of the budget, for as long as the caller keeps it. What was read is noted
  /// in `facts`.
  ///
  /// - Throws: 415, 413, 503 or 400 ``Refusal``s.
  func json(in request: Request, share: inout BodyBudget.Share, facts: RequestFacts) async throws -> JSON {
    let bytes = try await bytes(of: request, share: &share)
    guard bytes.count > Self.smallBody else { return try Self.parse(bytes, noting: facts) }
    return try await LongWork.run { try Self.parse(bytes, noting: facts) }
  }

  /// What is parsed where it was read, in bytes: that takes less than a millisecond.
  private static let smallBody = 64 << 10

  /// The body of `request`, which says that it is JSON.
  ///
  /// - Throws: 415, 413 or 503 ``Refusal``s.
  func bytes(of request: Request, share: inout BodyBudget.Share) async throws -> [UInt8] {
    try MediaType.check(contentType: request.headers[.contentType])
    let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    guard announced <= maximum else { throw Refusal.bodyTooLarge(limit: maximum) }
    try share.take(announced)
    var room = announced
    var bytes: [UInt8] = []
    bytes.reserveCapacity(announced)
    for try await part in request.body {
      guard bytes.count + part.readableBytes <= maximum else { throw Refusal.bodyTooLarge(limit: maximum) }
      if part.readableBytes > room {
        try share.take(part.readableBytes - room)
        room = part.readableBytes
      }
      room -= part.readableBytes
      bytes.append(contentsOf: part.readableBytesView)
    }
    return bytes
  }

  /// The JSON in a body, noted in `facts`.
  static func parse(_ bytes: [UInt8], noting facts: RequestFacts) throws(Refusal) -> JSON {
    do throws(Refusal) {
      let json = try parse(bytes)
      facts.note(body: NotedBody(json, bytes: bytes.count))
      return json
    } catch {
      facts.note(body: .unreadable(bytes: bytes.count))
      throw error
    }
  }

  static func parse(_ bytes: [UInt8]) throws(Refusal) -> JSON {
    do {
      return try JSON(parsing: bytes)
    } catch {
      if error.reason == .empty { throw .bodyMissing() }
      throw Refusal(400, .invalidSyntax, "The body is not the JSON that was expected: \(error).")
    }
  }
}
