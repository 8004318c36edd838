import EdgeHTTP
import HTTPTypes
import Hummingbird

/// Lets the pages of a session show what its forms have written, although pages are read from a replica.
///
/// The response to a form sets a cookie with a position of the log after the write. A later page uses a replica only if it has replayed that
/// position. The cookie expires when a replica that lacks the write would lag behind too much to be used.
struct WrittenPosition: Sendable {
  let replica: ReadReplica

  /// The name of the cookie. A browser that changes it only gets older pages.
  static let cookie = "rollcall_written"

  /// Runs `body`, whose reads may use the replica if it has replayed what the session wrote.
  func reading(
    _ request: Request, _ body: () async throws -> Response
  ) async throws -> Response {
    try await ReadReplica.$requiredPosition.withValue(Self.position(in: request)) { try await body() }
  }

  /// The cookie for the response to a form.
  ///
  /// - Throws: `CancellationError`.
  func field(isSecure: Bool) async throws -> HTTPField {
    let position = try await replica.writtenPosition()
    let age = Int((replica.maximumLag / .seconds(1)).rounded(.up)) + 1
    return HTTPField(
      name: .setCookie,
      value:
        "\(Self.cookie)=\(position.bytes); Path=\(ConsolePath.root); Max-Age=\(age); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")")
  }

  /// The position in a request: the start of the log without the cookie.
  static func position(in request: Request) -> LogPosition {
    guard let value = request.cookies[cookie]?.value else { return .start }
    return Int64(value).map { LogPosition(bytes: $0) } ?? .unreachable
  }
}
