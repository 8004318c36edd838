import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import EdgeHTTP
@testable import ManagementAPI

@Suite("The management API: accounts", .timeLimit(.minutes(10)))
struct ManagedAccountTests {
  private static let ndjson = ["Content-Type": "application/x-ndjson"]

  private func base(_ store: ManagementStore) -> String { "\(ResourcePath.admin)/workspaces/\(store.store.workspace)" }

  /// Stores an account, and returns the id of its user.
  private func insert(_ id: String, _ email: String, user: UUID? = nil, into store: ManagementStore) async throws {
    try await store.store.write(
      """
      insert into identity.accounts (workspace_id, account_id, email, email_key, state, user_id, imported_at)
      values ($1, $2, $3, $4, 'active', $5, now())
      """,
      [
        .uuid(store.store.workspace.uuid), .text(id), .text(email), .text(email.lowercased()), user.map(PostgresValue.uuid) ?? .null,
      ])
  }

  @Test("A dry run reports what an import would do, and changes nothing")
  func dryRun() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await insert("1", "ana@acme.example", user: UUID(), into: store)
    try await insert("2", "ben@acme.example", into: store)
    let base = base(store)
    try await serving(builder, token: token) { client in
      let body = """
        {"id":"1","email":"ana@acme.example"}
        {"id":"2","email":"ben@acme.example"}
        {"id":"3","email":"carl@acme.example"}
        """
      let report = try await client.send("POST", "/accounts?dryRun=true", body, headers: Self.ndjson, base: base)
      #expect(report.status == 200, "\(report.text)")
      #expect(report.json == ["dryRun": true, "lines": 3, "new": 1, "existing": 2, "linked": 1, "matching": 0])
      #expect(builder.sentCommands.entries.isEmpty)
    }
    await store.store.close()
  }

  @Test("An import reports the errors of all lines, those about stored accounts included, and starts nothing")
  func errors() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await insert("1", "ana@acme.example", into: store)
    let base = base(store)
    try await serving(builder, token: token) { client in
      let body = """
        {"id":"9","email":"ANA@acme.example"}
        {"id":"2","email":"ben@acme.example"}
        {"id":"2","email":"carl@acme.example"}
        {"id":"4"}
        """
      for query in ["", "?dryRun=true"] {
        let refused = try await client.send("POST", "/accounts\(query)", body, headers: Self.ndjson, base: base)
        #expect(refused.status == 400, "\(refused.text)")
        #expect(refused.json["errors"]?.array?.map { $0.object?["line"] } == [.integer(1), .integer(3), .integer(4)], "\(refused.text)")
        #expect(refused.text.contains("account '1'"))
      }
      #expect(builder.sentCommands.entries.isEmpty)
      for (body, headers, status) in [
        ("", Self.ndjson, 400), ("{}", ["Content-Type": "application/json"], 415), (body, ["Content-Type": "text/plain"], 415),
      ] {
        #expect(try await client.send("POST", "/accounts", body, headers: headers, base: base).status == status)
      }
      #expect(try await client.send("POST", "/accounts?dryRun=perhaps", body, headers: Self.ndjson, base: base).status == 400)
    }
    await store.store.close()
  }

  @Test("An import is stored in parts and started, once for each idempotency key, and its progress is shown")
  func parts() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    let base = base(store)
    try await serving(builder, token: token) { client in
      let body = (0..<2500).map { #"{"id":"\#($0)","email":"user-\#($0)@acme.example"}"# }.joined(separator: "\n")
      let headers = Self.ndjson.merging(["Idempotency-Key": "\(UUID())"]) { $1 }
      let started = try await client.send("POST", "/accounts", body, headers: headers, base: base)
      #expect(started.status == 202, "\(started.text)")
      let id = try #require(started.json["id"]?.string)
      #expect(started.headers["location"] == "\(base)/accounts/imports/\(id)")
      let sizes = builder.sentCommands.entries.compactMap { command -> Int? in
        if case .stageAccounts(let part) = command.operation { part.lines.count } else { nil }
      }
      #expect(sizes == [1000, 1000, 500])
      let again = try await client.send("POST", "/accounts", body, headers: headers, base: base)
      #expect(again.status == 202 && again.json["id"]?.string == id)
      #expect(store.executed.entries.count == 4)
      let other = try await client.send("POST", "/accounts", #"{"id":"x","email":"x@acme.example"}"#, headers: headers, base: base)
      #expect(other.status == 422, "\(other.text)")
      let shown = try await client.send("GET", "/accounts/imports/\(id)", base: base)
      #expect(shown.status == 200 && shown.json["status"] == "waiting" && shown.json["lines"] == 2500, "\(shown.text)")
      #expect(try await client.send("GET", "/accounts/imports/\(UUID())", base: base).status == 404)
    }
    await store.store.close()
  }

  @Test("Accounts are listed in pages, with or without users; links are made and removed by commands about the user")
  func listAndLinks() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    let user = UUID()
    for number in 1...5 {
      try await insert("a\(number)", "user-\(number)@acme.example", user: number == 3 ? user : nil, into: store)
    }
    let base = base(store)
    try await serving(builder, token: token) { client in
      var ids: [String] = []
      var cursor: String?
      repeat {
        let page = try await client.send(
          "GET", "/accounts?linked=false&limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""), base: base)
        #expect(page.status == 200, "\(page.text)")
        ids += (page.json["accounts"]?.array ?? []).compactMap { $0.object?["id"]?.string }
        cursor = page.json["nextCursor"]?.string
      } while cursor != nil
      #expect(ids == ["a1", "a2", "a4", "a5"])
      let linked = try await client.send("GET", "/accounts?linked=true", base: base)
      #expect(linked.json["accounts"]?.array?.first?.object?["user"]?.string == user.uuidString.lowercased(), "\(linked.text)")
      #expect(try await client.send("GET", "/accounts?linked=maybe", base: base).status == 400)

      let json = ["Content-Type": "application/json"]
      let body = #"{"user":"\#(user)","account":"a/1"}"#
      #expect(try await client.send("POST", "/accounts/links", body, headers: json, base: base).status == 204)
      #expect(try await client.send("DELETE", "/accounts/links/\(user)", base: base).status == 204)
      #expect(try await client.send("DELETE", "/accounts/links/nobody", base: base).status == 404)
      #expect(
        builder.sentCommands.entries.map(\.operation) == [
          .linkAccount(AccountLink(account: "a/1")), .unlinkAccount(AccountUnlink()),
        ])
      #expect(builder.sentCommands.entries.allSatisfy { $0.resource.uuid == user })
    }
    await store.store.close()
  }
}
