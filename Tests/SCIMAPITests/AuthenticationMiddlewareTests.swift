import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Authentication middleware")
struct AuthenticationMiddlewareTests {
  @Test(
    "parses the token after Bearer, ignoring the case of the scheme",
    arguments: [("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER   abc", "abc"), ("Bearer\tabc ", "abc")])
  func bearer(header: String, text: String) throws {
    #expect(try BearerToken.text(in: header) == text)
  }

  @Test(
    "rejects a request without a bearer token with 401 and a challenge", arguments: [nil, "", "Bearer", "Bearer ", "Basic YTpi", "abc"])
  func noBearer(header: String?) {
    let refusal = #expect(throws: APIError.self) { try BearerToken.text(in: header) }
    #expect(refusal?.error.status == 401)
    #expect(refusal?.headers[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true)
    #expect(refusal?.error.detail.contains("Authorization: Bearer") == true)
  }

  @Test("reports which of plan, SAML SSO and opt-in is missing", arguments: WorkspaceSettings.SCIMObstacle.allCases)
  func obstacle(_ obstacle: WorkspaceSettings.SCIMObstacle) {
    var builder = EdgeBuilder()
    switch obstacle {
    case .plan: builder.settings.plan = .team
    case .samlSSO: builder.settings.samlSSO = false
    case .optIn: builder.settings.scimEnabled = false
    }
    let mention = [WorkspaceSettings.SCIMObstacle.plan: "enterprise plan", .samlSSO: "SAML SSO", .optIn: "switched on"][obstacle]
    let refusal = #expect(throws: APIError.self) { try builder.record.authorized(for: .scim, at: Date()) }
    #expect(refusal?.error.status == 403)
    #expect(refusal?.error.detail.contains(mention ?? "?") == true)
    // The sign-in endpoint is not part of SCIM.
    #expect(throws: Never.self) { try builder.record.authorized(for: .signIns, at: Date()) }
  }

  @Test(
    "rejects every token of a workspace that is suspended until its deletion", arguments: [TokenScope.scim, .signIns, .admin, .directory])
  func suspended(scope: TokenScope) {
    var builder = EdgeBuilder()
    let dueAt = Date(timeIntervalSince1970: 1_769_850_000)
    builder.settings.deletion = ScheduledDeletion(requestedAt: dueAt, requestedBy: "operator:ana", dueAt: dueAt)
    var record = builder.record
    record.scopes = [scope]
    let refusal = #expect(throws: APIError.self) { try record.authorized(for: scope, at: Date()) }
    #expect(refusal?.error.status == 403)
    #expect(refusal?.error.detail.contains("suspended, and will be deleted at 2026-01-31") == true)
  }

  @Test("rejects tokens that are revoked, have expired or lack the scope")
  func unfit() {
    let now = Date()
    var record = EdgeBuilder().record
    record.expiresAt = now
    #expect(status(of: record, at: now) == 401)
    record.expiresAt = now + 1
    #expect(status(of: record, at: now) == nil)
    record.scopes = [.admin]
    #expect(status(of: record, at: now) == 403)
    record.revokedAt = now - 1
    #expect(status(of: record, at: now) == 401)
  }

  @Test("reads a token once for consecutive requests, and again after a failure")
  func directory() async throws {
    let builder = EdgeBuilder()
    let lookups = Journal<WorkspaceID>()
    let tokens = TokenCache { workspace, _ in
      lookups.record(workspace)
      if lookups.entries.count == 1 { throw URLError(.timedOut) }
      return builder.record
    }
    let text = Substring(builder.token.text)
    await #expect(throws: URLError.self) { try await tokens.record(for: text) }
    for _ in 0..<5 { #expect(try await tokens.record(for: text).token == builder.tokenID) }
    #expect(lookups.entries == [builder.workspace, builder.workspace])
  }

  @Test("rejects a token whose digest differs from the stored one in any byte", arguments: [0, 15, 31])
  func otherDigest(position: Int) async throws {
    let builder = EdgeBuilder()
    let tokens = TokenCache { _, digest in
      var record = builder.record
      record.digest = digest
      record.digest[position] ^= 1
      return record
    }
    let refusal = await #expect(throws: APIError.self) { try await tokens.record(for: Substring(builder.token.text)) }
    #expect(refusal?.error.status == 401)
  }

  @Test("does not query the database for malformed tokens")
  func malformed() async {
    let tokens = TokenCache { _, _ in
      Issue.record("the database was queried")
      return nil
    }
    let refusal = await #expect(throws: APIError.self) { try await tokens.record(for: "rollcall_nonsense") }
    #expect(refusal?.error.status == 401)
  }

  private func status(of record: TokenRecord, at now: Date) -> Int? {
    do {
      _ = try record.authorized(for: .scim, at: now)
      return nil
    } catch {
      return error.error.status
    }
  }
}
