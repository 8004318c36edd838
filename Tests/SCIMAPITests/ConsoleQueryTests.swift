import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Console queries for tokens, sessions and the audit trail", .timeLimit(.minutes(10)))
struct ConsoleQueryTests {
  private func insert(
    _ store: StoreBuilder, _ kind: TokenKind, _ name: String, id: TokenID = .made(at: Date()), openedWith opener: TokenID? = nil,
    predecessor: TokenID? = nil
  ) async throws -> TokenID {
    try await store.write(
      """
      insert into identity.tokens (workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, kind, opened_with, predecessor_id)
      values ($1, $2, $3, sha256($2::text::bytea), '{admin}', now() + interval '1 hour', 'console:Ana', now(), $4, $5, $6)
      """,
      [
        .uuid(store.workspace.uuid), .uuid(id.uuid), .text(name), .text(kind.rawValue), .optional(opener?.uuid, PostgresValue.uuid),
        .optional(predecessor?.uuid, PostgresValue.uuid),
      ])
    return id
  }

  @Test("Sessions, links and slugs are found only in their own workspace, and a session with the token that opened it")
  func sessions() async throws {
    let store = try await StoreBuilder.start()
    let lookup = SessionLookup(database: store.database)
    let token = try await insert(store, .token, "Okta")
    let session = try await insert(store, .session, "Ana", openedWith: token)
    let vouched = try await insert(store, .session, "Ben")
    let lost = try await insert(store, .session, "Eve", openedWith: .made(at: Date()))
    let found = try #require(try await lookup.session(store.workspace, session))
    #expect(found.token.kind == .session && found.token.name == "Ana" && found.opener?.id == token && found.opener?.kind == .token)
    #expect(found.isValid(at: Date()) && found.opener?.scopes == [.admin])
    #expect(try await lookup.session(store.workspace, vouched)?.opener == nil)
    for none in [lost, token] { #expect(try await lookup.session(store.workspace, none) == nil) }
    #expect(try await lookup.session(.made(at: Date()), session) == nil)
    try await store.write("update identity.tokens set revoked_at = now() where id = $1", [.uuid(token.uuid)])
    #expect(try await lookup.session(store.workspace, session)?.isValid(at: Date()) == false)
    // The secret of a session is not valid as a token.
    let tokens = TokenLookup(database: store.database)
    #expect(try await tokens.token(store.workspace, digest: found.token.digest) == nil)
    #expect(try await tokens.client(store.workspace, id: session) == nil)
    #expect(try await lookup.link(store.workspace, digest: found.token.digest) == nil)
    #expect(try await lookup.workspace(slug: "acme") == store.workspace)
    #expect(try await lookup.workspace(slug: "nobody") == nil)
    #expect(try await lookup.settings(of: store.workspace)?.slug == "acme")
    await store.close()
  }

  @Test("Tokens are listed newest first, with uses, predecessors and successors, without sessions and links")
  func tokens() async throws {
    let store = try await StoreBuilder.start()
    let query = TokensQuery(database: store.database)
    let ids = (0..<4).map { TokenID.made(at: Date(timeIntervalSince1970: 1_767_225_600 + Double($0))) }
    _ = try await insert(store, .token, "first", id: ids[0])
    _ = try await insert(store, .token, "second", id: ids[1], predecessor: ids[0])
    _ = try await insert(store, .client, "third", id: ids[2])
    _ = try await insert(store, .token, "ended", id: ids[3])
    _ = try await insert(store, .session, "Ana")
    _ = try await insert(store, .link, "Ana")
    try await store.write("update identity.tokens set revoked_at = now() where id = $1", [.uuid(ids[3].uuid)])
    for (day, address, at) in [("2026-01-01", "192.0.2.1", "2026-01-01T10:00:00Z"), ("2026-01-02", "192.0.2.2", "2026-01-02T10:00:00Z")] {
      try await store.write(
        "insert into identity.token_uses values ($1, $2, $3::text::date, $4, 1234, $5::text::timestamptz)",
        [.uuid(store.workspace.uuid), .uuid(ids[0].uuid), .text(day), .text(address), .text(at)])
    }
    let all = try await query.tokens(ended: false, after: nil, limit: 10, in: store.workspace)
    #expect(all.map(\.name) == ["third", "second", "first"])
    #expect(all[1].predecessor?.name == "first" && all[1].predecessor?.isActive == true && all[1].predecessor?.lastUsedAt != nil)
    #expect(all[2].successor?.name == "second" && all[2].lastUse?.address == "192.0.2.2" && all[0].lastUse == nil)
    #expect(try await query.tokens(ended: false, after: ids[2], limit: 1, in: store.workspace).map(\.name) == ["second"])
    #expect(try await query.tokens(ended: true, after: nil, limit: 10, in: store.workspace).map(\.name) == ["ended"])
    #expect(try await query.uses(of: ids[0], limit: 10, in: store.workspace).map(\.address) == ["192.0.2.2", "192.0.2.1"])
    #expect(try await query.token(ids[0], in: store.workspace)?.name == "first")
    for workspace in [WorkspaceID.made(at: Date())] {
      #expect(try await query.tokens(ended: false, after: nil, limit: 10, in: workspace).isEmpty)
      #expect(try await query.token(ids[0], in: workspace) == nil)
      #expect(try await query.uses(of: ids[0], limit: 10, in: workspace).isEmpty)
    }
    await store.close()
  }

  @Test("Tokens whose ids have no time are listed by their creation, in pages without gaps")
  func tokensWithDerivedIDs() async throws {
    let store = try await StoreBuilder.start()
    let query = TokensQuery(database: store.database)
    let ids = ["99999999", "11111111", "ffffffff", "00000000"].compactMap { TokenID("\($0)-0000-8000-8000-000000000000") }
    try #require(ids.count == 4)
    for (index, id) in ids.enumerated() { _ = try await insert(store, .token, "\(index)", id: id) }
    // Two were created in the same moment.
    try await store.write(
      "update identity.tokens set created_at = (select created_at from identity.tokens where id = $1) where id = $2",
      [.uuid(ids[2].uuid), .uuid(ids[1].uuid)])
    var (names, last): ([String], TokenID?) = ([], nil)
    while let next = try await query.tokens(ended: false, after: last, limit: 1, in: store.workspace).first {
      names.append(next.name)
      last = next.id
      try #require(names.count <= ids.count)
    }
    #expect(names == ["3", "2", "1", "0"])
    await store.close()
  }

  @Test("The audit trail is read in pages, filtered, and only in its own workspace")
  func audit() async throws {
    let store = try await StoreBuilder.start()
    let query = AuditQuery(database: store.database)
    let ids = (0..<5).map { CommandID.made(at: Date(timeIntervalSince1970: 1_767_225_600 + Double($0))) }
    for (index, id) in ids.enumerated() {
      try await store.write(
        """
        insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary, status, detail)
        values ($1, $2, now(), 'console:Ana', $3, 'token x', '{"before":{"a":1},"after":{"a":2}}', $4::int8::int, $5)
        """,
        [
          .uuid(store.workspace.uuid), .uuid(id.uuid), .text(index == 0 ? "update-workspace" : "issue-token"),
          index == 2 ? .int(403) : .null, index == 2 ? .text("No") : .null,
        ])
    }
    func part(_ action: String? = nil, refused: Bool = false, after last: CommandID? = nil, limit: Int = 10) async throws -> AuditQuery.Page
    {
      try await query.entries(action: action, rejectedOnly: refused, after: last, limit: limit, in: store.workspace)
    }
    let first = try await part(limit: 2)
    #expect(first.entries.map(\.id) == [ids[4], ids[3]] && first.next == ids[3])
    let rest = try await part(after: first.next)
    #expect(rest.entries.map(\.id) == [ids[2], ids[1], ids[0]] && rest.next == nil)
    #expect(try await part("update-workspace").entries.map(\.id) == [ids[0]])
    #expect(try await part(refused: true).entries.map(\.status) == [403])
    #expect(try await part("restate").entries.isEmpty)
    #expect(try await query.entries(action: nil, rejectedOnly: false, after: nil, limit: 10, in: .made(at: Date())).entries.isEmpty)
    await store.close()
  }

  @Test("Changes are shown field by field, and rejections with their reason")
  func words() {
    func view(_ summary: String, action: String = "update-workspace", target: String = "workspace acme", status: Int? = nil)
      -> AuditEntryView
    {
      AuditEntryView(
        AuditEntry(
          id: .made(at: Date()), at: "", actor: "console:Ana", action: action, target: target, summary: summary, status: status,
          detail: status.map { _ in "No" }))
    }
    let changed = view(#"{"before":{"plan":"free","roles":["a"]},"after":{"plan":"team","roles":["a","b"],"scim":true}}"#)
    #expect(changed.actor == "Ana, at the console" && changed.actionName == "Settings changed" && changed.rejection == nil)
    #expect(
      changed.changes == [
        .init(field: "plan", before: "free", after: "team"), .init(field: "roles", before: "a", after: "a, b"),
        .init(field: "scim", before: nil, after: "true"),
      ])
    #expect(changed.session == nil && view(#"{"asked":{"token":"x"},"session":"s"}"#).session == "s")
    #expect(view(#"{"asked":{"token":"x"}}"#, status: 403).rejection == "403: No")
    #expect(view(#"{"asked":{"token":"x"}}"#).changes == [.init(field: "token", before: nil, after: "x")])
    #expect(view("{}", action: "issue-token", target: "session x 'Ana'").actionName == "Signed in to the console")
    #expect(view("{}", action: "new-thing").actionName == "New thing")
    #expect(view("not json").changes.map(\.after) == ["not json"])
    #expect(view(#"{"asked":{"long":"\#(String(repeating: "x", count: 5000))"}}"#).changes.first?.after?.count == 301)
  }

  @Test("A token's status shows that it expires soon, and the effect of revoking it")
  func status() {
    let now = Date()
    var token = ListedToken(
      id: .made(at: now), kind: .token, name: "Okta", scopes: [.scim], createdBy: "operator:root", createdAt: now)
    func label() -> String { TokenView.status(of: token, at: now).label }
    #expect(label() == "Active")
    token.expiresAt = now + 15 * 86_400
    #expect(label() == "Active")
    token.expiresAt = now + 13 * 86_400
    #expect(label() == "Expires soon")
    token.expiresAt = now
    #expect(label() == "Expired")
    token.revokedAt = now
    #expect(label() == "Revoked")
    #expect(TokenView(token, own: nil, at: now).question.contains("never been used"))
    token.lastUse = .init(at: Date(timeIntervalSince1970: 1_767_225_600), address: "192.0.2.1")
    let view = TokenView(token, own: token.id, at: now)
    #expect(view.question.contains("2026-01-01 from 192.0.2.1") && view.question.contains("you will be signed out") && view.isOwn)
    #expect(view.creator == "root, with scimctl")
    #expect(ConsoleText.number(1_234_567) == "1,234,567" && ConsoleText.number(12) == "12" && ConsoleText.number(123_456) == "123,456")
  }

  @Test("The form for a new token reports its invalid fields")
  func form() throws {
    func read(_ text: String) throws -> TokenForm { TokenForm(try Form(text.utf8), at: Date()) }
    let good = try read("name=Okta&scope=scim&scope=sign-ins&expiry=90")
    #expect(good.name == "Okta" && good.scopes == [.scim, .signIns] && good.days == 90 && good.invalidField == nil && good.kind == .token)
    #expect(try read("scope=scim").invalidField == .name)
    #expect(try read("name=\(String(repeating: "x", count: 201))&scope=scim").invalidField == .name)
    #expect(try read("name=x&scope=everything").invalidField == .scopes)
    #expect(try read("name=x&scope=scim&expiry=none").days == nil)
    #expect(try read("name=x&scope=scim&expiry=1000000").days == 365)
    // OAuth clients cannot have the scope admin.
    #expect(try read("kind=client&name=x&scope=admin").invalidField == .scopes)
  }
}
