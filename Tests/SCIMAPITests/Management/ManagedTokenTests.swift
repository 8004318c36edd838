import Credentials
import Crypto
import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The management API: tokens and OAuth clients", .timeLimit(.minutes(10)))
struct ManagedTokenTests {
  private static let deployment = "\(ResourcePath.admin)/tokens"
  private static let workspace = "\(ResourcePath.admin)/workspaces/stored"
  private static let json = ["Content-Type": "application/json"]

  @Test("A token is issued with its secret, listed without it, rotated and revoked", arguments: [deployment, workspace + "/tokens"])
  func life(base: String) async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let issued = try await client.send("POST", "", #"{"name":"Product","scopes":["events"]}"#, headers: Self.json, base: base)
      #expect(issued.status == 201, "\(issued.text)")
      let (id, secret) = (try #require(issued.json["id"]?.string), try #require(issued.json["token"]?.string))
      #expect(AccessToken(secret)?.workspace == (base == Self.deployment ? .deployment : store.store.workspace))
      #expect(issued.json["status"] == "active" && issued.headers["location"]?.hasSuffix("/tokens/\(id)") == true)

      let rotated = try await client.send("POST", "/\(id)/rotate", nil, base: base)
      #expect(rotated.status == 201 && rotated.json["predecessor"]?.string == id, "\(rotated.text)")
      let successor = try #require(rotated.json["id"]?.string)
      #expect(try await client.send("GET", "/\(id)", base: base).json["successor"]?.string == successor)

      #expect(try await client.send("DELETE", "/\(id)", base: base).status == 204)
      for (query, ids) in [("", [successor]), ("?status=active", [successor]), ("?status=ended", [id])] {
        let listed = try await client.send("GET", query, base: base)
        #expect(listed.json["tokens"]?.array?.compactMap { $0.object?["id"]?.string } == ids, "\(listed.text)")
        #expect(!listed.text.contains("rollcall_"))
      }
      #expect(try await client.send("GET", "?status=old", base: base).status == 400)
      for unknown in ["/\(UUID())", "/nothing"] { #expect(try await client.send("DELETE", unknown, base: base).status == 404) }
    }
    await store.store.close()
  }

  @Test("A repeated request with an idempotency key returns the same token and secret, and is executed once")
  func idempotency() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let (headers, body) = (Self.json.merging(["Idempotency-Key": "\(UUID())"]) { $1 }, #"{"name":"Okta","scopes":["scim"]}"#)
      let first = try await client.send("POST", "/tokens", body, headers: headers, base: Self.workspace)
      let second = try await client.send("POST", "/tokens", body, headers: headers, base: Self.workspace)
      #expect(first.status == 201 && second.status == 201, "\(first.text) \(second.text)")
      #expect(first.json["token"] == second.json["token"] && first.json["id"] == second.json["id"])
      #expect(store.executed.entries.count == 1)
      let without = try await client.send("POST", "/tokens", body, headers: Self.json, base: Self.workspace)
      #expect(without.status == 201 && without.json["token"] != first.json["token"])
      // A secret that the replica cannot derive is not invented.
      try await store.store.write("update identity.tokens set digest = sha256(id::text::bytea)", [])
      let lost = try await client.send("POST", "/tokens", body, headers: headers, base: Self.workspace)
      #expect(lost.status == 409 && !lost.text.contains("rollcall_"), "\(lost.text)")
    }
    await store.store.close()
  }

  @Test(
    "Requests for a token are validated",
    arguments: [
      (#"{"scopes":["scim"]}"#, "/name"), (#"{"name":"x","scopes":[]}"#, "/scopes"), (#"{"name":"x"}"#, "/scopes"),
      (#"{"name":"x","scopes":["scim","everything"]}"#, "/scopes/1"), (#"{"name":"x","scopes":[1]}"#, "/scopes/0"),
      (#"{"name":"x","scopes":["scim"],"expiresAt":"soon"}"#, "/expiresAt"),
      (#"{"name":"x","scopes":["scim"],"expiresAt":"2020-01-01T00:00:00Z"}"#, "/expiresAt"),
      (#"{"name":"x","scopes":["scim"],"expires":1}"#, "/expires"), (#"{"name":1,"scopes":["scim"]}"#, "/name"),
    ])
  func validation(body: String, pointer: String) async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let answer = try await client.send("POST", "/tokens", body, headers: Self.json, base: Self.workspace)
      #expect(answer.status == 400, "\(answer.text)")
      #expect(answer.json["errors"]?.array?.compactMap { $0.object?["pointer"]?.string } == [pointer], "\(answer.text)")
      #expect(store.executed.entries.isEmpty)
    }
    await store.store.close()
  }

  @Test("The deployment has no SCIM tokens, and no workspace's token manages its tokens")
  func deploymentOnly() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    try await serving(builder, token: token) { client in
      let answer = try await client.send("POST", "", #"{"name":"x","scopes":["scim"]}"#, headers: Self.json, base: Self.deployment)
      #expect(answer.status == 400 && answer.detail.contains("admin, directory, events, sign-ins"), "\(answer.text)")
    }
    try await serving(builder) { client in
      for (method, body) in [("GET", nil), ("POST", #"{"name":"x","scopes":["admin"]}"#)] as [(String, String?)] {
        let answer = try await client.send(method, "", body, headers: Self.json, base: Self.deployment)
        #expect(answer.status == 403, "\(answer.text)")
      }
      #expect(store.executed.entries.isEmpty)
    }
    await store.store.close()
  }

  @Test("An OAuth client gets an id and a secret, which is replaced on request")
  func clients() async throws {
    let store = try await ManagementStore.start()
    let (builder, token) = store.builder()
    let base = Self.workspace + "/oauth-clients"
    try await serving(builder, token: token) { client in
      let made = try await client.send("POST", "", #"{"name":"Entra","scopes":["scim"]}"#, headers: Self.json, base: base)
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.string)
      #expect(made.json["clientSecret"]?.string?.hasPrefix(ClientSecret.prefix) == true)
      let admin = try await client.send("POST", "", #"{"name":"Entra","scopes":["admin"]}"#, headers: Self.json, base: base)
      #expect(admin.status == 400, "\(admin.text)")
      for (body, keeps) in [(nil, true), (#"{"formerExpiresAt":null}"#, false)] as [(String?, Bool)] {
        let rotated = try await client.send("POST", "/\(id)/rotate-secret", body, headers: body == nil ? [:] : Self.json, base: base)
        #expect(rotated.status == 200 && rotated.json["clientSecret"] != made.json["clientSecret"], "\(rotated.text)")
        #expect((rotated.json["formerSecretExpiresAt"] != nil) == keeps)
      }
      #expect(try await client.send("GET", "", base: base).json["clients"]?.array?.count == 1)
      // A client is not a token.
      #expect(try await client.send("GET", "/tokens/\(id)", base: Self.workspace).status == 404)
      #expect(try await client.send("DELETE", "/\(id)", base: base).status == 204)
    }
    await store.store.close()
  }

  @Test("The database finds a deployment-wide token, and refuses one for SCIM or of another kind")
  func lookup() async throws {
    let store = try await StoreBuilder.start()
    let lookup = TokenLookup(database: store.database)
    let insert = """
      insert into identity.tokens (workspace_id, id, name, digest, scopes, created_by, created_at, kind)
      values ('00000000-0000-0000-0000-000000000000', $1, 'Product', $2, $3, 'test', now(), $4)
      """
    let digest = Array(SHA256.hash(data: Data("a".utf8)))
    func parameters(_ scopes: [String], _ kind: String) -> [PostgresValue] {
      [.uuid(UUID()), .bytes(digest), .textArray(scopes), .text(kind)]
    }
    for (scopes, kind) in [(["scim"], "token"), (["admin"], "client"), (["admin"], "session")] {
      await #expect(throws: PostgresError.self) { try await store.write(insert, parameters(scopes, kind)) }
    }
    try await store.write(insert, parameters(["admin", "events", "of-a-later-build"], "token"))
    let record = try #require(try await lookup.token(.deployment, digest: digest))
    #expect(record.scopes == [.admin, .events] && record.caller.isDeploymentWide && record.workspace == .deployment)
    #expect(throws: APIError.self) { try record.authorized(for: .admin, at: Date()) }
    #expect(try await lookup.token(store.workspace, digest: digest) == nil)
    let workspaces = NamedWorkspaceCache(store.database)
    for name in ["acme", "\(store.workspace)"] { #expect(try await workspaces.workspace(named: name)?.id == store.workspace) }
    for name in ["", "other", "ACME", "\(UUID())", "\(WorkspaceID.deployment)"] {
      #expect(try await workspaces.workspace(named: name) == nil)
    }
    await store.close()
  }
}
