import Foundation
import Hummingbird
import Models

/// Finds the session that a request's cookie names.
struct ConsoleSessions: Sendable {
  let tokens: TokenDirectory

  static let cookie = "rollcall_session"

  /// nil where the request has no cookie of a session that is good.
  func session(of request: Request, at now: Date) async throws -> ConsoleSession? {
    guard let secret = request.cookies[Self.cookie]?.value else { return nil }
    do {
      let record = try await tokens.record(for: Substring(secret))
      return ConsoleSession(caller: try Caller(record, for: .admin, at: now), name: record.name, secret: secret)
    } catch let refusal as Refusal where [401, 403].contains(refusal.error.status) {
      return nil
    }
  }
}
