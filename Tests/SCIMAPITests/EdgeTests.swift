import Foundation
import Models
import SCIM
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The edge over HTTP")
struct EdgeTests {
  private static let ana = EdgeBuilder.user("ana@example.com")

  @Test("A created user gets 201 with location, version and resource")
  func create() async throws {
    var builder = EdgeBuilder()
    builder.reply = { command in .resource(EdgeBuilder.user("ana@example.com", id: command.resource), created: true) }
    let trace = "0af7651916cd43dd8448eb211c80319c"
    try await serving(builder) { [builder] client in
      let answer = try await client.send(
        "POST", "/Users", #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com"}"#,
        headers: ["traceparent": "00-\(trace)-b7ad6b7169203331-01"])
      #expect(answer.status == 201)
      let command = try #require(builder.sentCommands.entries.first)
      let location = "https://app.example.com/api/v2/scim/Users/\(command.resource)"
      #expect(answer.headers["location"] == location)
      #expect(answer.headers["etag"] == "W/\"1\"")
      #expect(answer.headers["content-type"] == "application/scim+json; charset=utf-8")
      #expect(answer.json["userName"] == "ana@example.com")
      #expect(answer.json["groups"] == [])
      #expect(answer.json["meta"]?.object?["location"] == .string(location))
      #expect(command.traceparent?.contains(trace) == true)
      #expect(command.settingsVersion == builder.record.caller.settingsVersion)
      #expect(builder.reads.recordedReads.entries.isEmpty)
    }
  }

  @Test("A written group is returned with its members; a PATCH gets 204 unless attributes are requested")
  func groups() async throws {
    let group = EdgeBuilder.group("Data team", version: 2)
    var builder = EdgeBuilder()
    builder.reads = StoredResources(groups: [FoundResource(resource: group, rows: [ReferredResource(id: Self.ana.id, display: "Ana")])])
    builder.reply = { _ in .resource(group, created: false) }
    let patch = """
      {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\
      {"op":"add","path":"members","value":[{"value":"\(Self.ana.id)"}]}]}
      """
    try await serving(builder) { [builder] client in
      let put = try await client.send("PUT", "/Groups/\(group.id)", #"{"displayName":"Data team"}"#)
      #expect(put.status == 200)
      #expect(put.json["members"]?.array?.count == 1)
      #expect(
        try await client.send("PUT", "/Groups/\(group.id)?excludedAttributes=members", #"{"displayName":"A"}"#).json["members"] == nil)
      let plain = try await client.send("PATCH", "/Groups/\(group.id)", patch)
      #expect(plain.status == 204)
      #expect(plain.body.isEmpty)
      #expect(builder.reads.recordedReads.entries.count == 1)
      let named = try await client.send("PATCH", "/Groups/\(group.id)?attributes=displayName", patch)
      #expect(named.status == 200)
      #expect(named.json["displayName"] == "Data team")
      #expect(named.json["members"] == nil)
    }
  }

  @Test("A large group is streamed with all members and the requested attributes")
  func largeGroup() async throws {
    let group = EdgeBuilder.group("Everybody")
    let small = EdgeBuilder.group("Few")
    let members = (0..<2500).map { ReferredResource(id: .made(at: Date()), display: "Member \($0)") }
    var builder = EdgeBuilder()
    builder.reads = StoredResources(groups: [
      FoundResource(resource: small, rows: Array(members.prefix(2))), FoundResource(resource: group, rows: members),
    ])
    try await serving(builder) { client in
      let whole = try await client.send("GET", "/Groups/\(group.id)")
      #expect(whole.status == 200)
      #expect(whole.headers["etag"] == "W/\"1\"")
      #expect(whole.json["displayName"] == "Everybody")
      #expect(whole.json["meta"]?.object?["version"] == "W/\"1\"")
      let values = try #require(whole.json["members"]?.array)
      #expect(values.compactMap { $0.object?["value"] } == members.map { .string($0.id.description) })
      #expect(values.last?.object?["display"] == "Member 2499")
      let part = try await client.send("GET", "/Groups/\(group.id)?attributes=members.value")
      #expect(part.json["displayName"] == nil)
      #expect(part.json["members"]?.array?.count == 2500)
      #expect(part.json["members"]?.array?.allSatisfy { $0.object?.count == 1 } == true)
      #expect(try await client.send("GET", "/Groups/\(group.id)?excludedAttributes=members").json["members"] == nil)
      let list = try await client.send("GET", "/Groups")
      #expect(list.json["totalResults"] == 2)
      #expect(list.json["Resources"]?.array?.map { $0.object?["members"]?.array?.count } == [2, 2500])
    }
  }

  @Test("A resource is read with its groups or members unless they are excluded")
  func retrieve() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: Self.ana)])
    try await serving(builder) { [builder] client in
      let whole = try await client.send("GET", "/Users/\(Self.ana.id)")
      #expect(whole.status == 200)
      #expect(whole.headers["etag"] == "W/\"1\"")
      #expect(whole.json["groups"] == [])
      let part = try await client.send("GET", "/Users/\(Self.ana.id)?excludedAttributes=groups,emails")
      #expect(part.json["groups"] == nil)
      #expect(part.json["emails"] == nil)
      #expect(part.json["userName"] == "ana@example.com")
      #expect(builder.reads.recordedReads.entries.map(\.withRows) == [true, false])
    }
  }

  @Test("A list has the total and one page of the resources")
  func list() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: (1...5).map { FoundResource(resource: EdgeBuilder.user("user\($0)@example.com")) })
    try await serving(builder) { client in
      let page = try await client.send("GET", "/Users?startIndex=2&count=2")
      #expect(page.json["totalResults"] == 5)
      #expect(page.json["startIndex"] == 2)
      #expect(page.json["itemsPerPage"] == 2)
      #expect(page.json["Resources"]?.array?.compactMap { $0.object?["userName"]?.string } == ["user2@example.com", "user3@example.com"])
      let beyond = try await client.send("GET", "/Users?startIndex=9")
      #expect(beyond.json["totalResults"] == 5)
      #expect(beyond.json["Resources"] == [])
      let filtered = try await client.send("GET", "/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22user4@example.com%22")
      #expect(filtered.json["totalResults"] == 1)
      #expect(filtered.json["Resources"]?.array?.first?.object?["userName"] == "user4@example.com")
    }
  }

  @Test("A rejection of identity-store is returned unchanged")
  func refused() async throws {
    var builder = EdgeBuilder()
    let error = SCIMError(status: 409, scimType: .uniqueness, detail: "A user with userName 'ana' exists already.")
    builder.reply = { _ in .refused(status: 409, error: error.body()) }
    try await serving(builder) { client in
      let answer = try await client.send("POST", "/Users", #"{"userName":"ana"}"#)
      #expect(answer.status == 409)
      #expect(answer.body == error.body())
    }
  }

  @Test("The error for a stale id says what to do")
  func stale() async throws {
    var builder = EdgeBuilder()
    let deletedAt = Date(timeIntervalSince1970: 1_767_225_600)
    builder.reads = StoredResources(
      remains: DeletedResource(deletedAt: deletedAt, successor: DeletedResource.Successor(id: Self.ana.id, userName: "ana@example.com")))
    try await serving(builder) { client in
      let answer = try await client.send("GET", "/Users/\(ResourceID.made(at: Date()))")
      #expect(answer.status == 404)
      for mention in ["User not found", "2026-01-01", "ana@example.com", "\(Self.ana.id)", "unassign"] {
        #expect(answer.detail.contains(mention), "\(answer.detail)")
      }
    }
  }

  /// A request that must be rejected, and the expected error.
  struct Bad: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var method = "POST"
    var path = "/Users"
    var body: String?
    var headers: [String: String] = [:]
    var status: Int
    var scimType: String?
    var mention: String
  }

  @Test(
    "Invalid input is rejected with a SCIM error, and no command is sent",
    arguments: [
      Bad(testDescription: "malformed JSON", body: #"{"userName": "#, status: 400, scimType: "invalidSyntax", mention: "byte 13"),
      Bad(testDescription: "no body", status: 400, scimType: "invalidSyntax", mention: "no body"),
      Bad(testDescription: "no userName", body: "{}", status: 400, scimType: "invalidValue", mention: "userName"),
      Bad(
        testDescription: "another content type", body: "<user/>", headers: ["Content-Type": "text/xml"], status: 415,
        mention: "application/scim+json"),
      Bad(testDescription: "a body over the limit", body: String(repeating: "x", count: 200_000), status: 413, mention: "100000"),
      Bad(testDescription: "an id that is none", method: "DELETE", path: "/Users/42", status: 404, mention: "User not found"),
      Bad(testDescription: "an unknown path", method: "GET", path: "/Robots", status: 404, mention: "/Robots"),
      Bad(testDescription: "a wrong method", method: "PUT", path: "/Users", body: "{}", status: 405, mention: "GET, HEAD, POST"),
      Bad(
        testDescription: "a malformed filter", method: "GET", path: "/Users?filter=userName%20eq", status: 400, scimType: "invalidFilter",
        mention: "filter"),
      Bad(
        testDescription: "a filter that does not fit", method: "GET", path: "/Users?filter=active%20gt%20true", status: 400,
        scimType: "invalidFilter", mention: "active gt true"),
      Bad(
        testDescription: "a count that is none", method: "GET", path: "/Groups?count=many", status: 400, scimType: "invalidValue",
        mention: "count"),
      Bad(testDescription: "an unknown schema", method: "GET", path: "/Schemas/urn:x", status: 404, mention: "urn:x"),
    ])
  func badInput(_ bad: Bad) async throws {
    var builder = EdgeBuilder()
    builder.bodyLimit = 100_000
    try await serving(builder) { [builder] client in
      let answer = try await client.send(bad.method, bad.path, bad.body, headers: bad.headers)
      #expect(answer.status == bad.status)
      #expect(answer.headers["content-type"]?.hasPrefix("application/scim+json") == true)
      #expect(answer.json["schemas"] == [.string(MessageSchema.error)])
      #expect(answer.json["status"] == .string("\(bad.status)"))
      #expect(answer.json["scimType"]?.string == bad.scimType)
      #expect(answer.detail.contains(bad.mention), "\(answer.detail)")
      if bad.status == 405 { #expect(answer.headers["allow"] == "GET, HEAD, POST, OPTIONS") }
      #expect(builder.sentCommands.entries.isEmpty)
    }
  }

  @Test("A missing, invalid or revoked token gets 401 with a challenge", arguments: ["", "nonsense", "revoked"])
  func token(_ token: String) async throws {
    var builder = EdgeBuilder()
    if token == "revoked" { builder.revokedAt = Date() }
    try await serving(builder, token: token == "revoked" ? nil : token) { client in
      let answer = try await client.send("GET", "/Users")
      #expect(answer.status == 401)
      #expect(answer.json["status"] == "401")
      #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
    }
  }

  @Test("Without a reply the response is 503 with Retry-After in whole seconds")
  func noReply() async throws {
    var builder = EdgeBuilder()
    builder.reply = { _ in nil }
    try await serving(builder) { client in
      let answer = try await client.send("POST", "/Users", #"{"userName":"ana"}"#)
      #expect(answer.status == 503)
      #expect(answer.headers["retry-after"].flatMap { Int($0) } != nil)
    }
  }

  @Test(
    "The discovery endpoints describe the service",
    arguments: [
      "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
    ])
  func discovery(_ path: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.send("GET", path)
      #expect(answer.status == 200)
      #expect(!answer.json.isEmpty)
      #expect(try await client.send("GET", path + "?filter=id%20pr").status == 403)
    }
  }

  @Test("A custom schema of the workspace is found by its URN, ignoring case, and listed by its resource type")
  func ownSchema() async throws {
    let urn = "urn:example:scim:schemas:acme:2.0:User"
    var builder = EdgeBuilder()
    builder.settings.extensions = [SchemaExtension(id: urn, name: "Acme", attributes: [.init(name: "badge", type: .integer)])]
    try await serving(builder) { client in
      let schema = try await client.send("GET", "/Schemas/\(urn.uppercased())")
      #expect(schema.status == 200)
      #expect(schema.json["id"] == .string(urn))
      #expect(schema.json["attributes"]?.array?.first?.object?["type"] == "integer")
      let type = try await client.send("GET", "/ResourceTypes/User")
      #expect(type.json["schemaExtensions"]?.array?.contains(["schema": .string(urn), "required": false]) == true)
      #expect(try await client.send("GET", "/ResourceTypes/Group").json["schemaExtensions"] == [])
      let listed = try await client.send("GET", "/Schemas").json["Resources"]?.array?.compactMap { $0.object?["id"]?.string }
      #expect(listed?.last == "urn:ietf:params:scim:schemas:core:2.0:Group")
      #expect(listed?.contains(urn) == true)
    }
  }

  @Test("A sign-in gets 202 and requires its own scope")
  func signIn() async throws {
    var builder = EdgeBuilder()
    try await serving(builder) { [builder] client in
      let answer = try await client.send("POST", "", #"{"email":"ana@example.com"}"#, base: ResourcePath.signIns)
      #expect(answer.status == 202)
      #expect(builder.signIns.entries.map(\.email) == ["ana@example.com"])
      #expect(builder.signIns.entries.map(\.workspace) == [builder.workspace])
    }
    builder.scopes = [.scim]
    try await serving(builder) { client in
      let answer = try await client.send("POST", "", #"{"email":"ana@example.com"}"#, base: ResourcePath.signIns)
      #expect(answer.status == 403)
      #expect(answer.detail.contains("sign-ins"))
    }
  }

  @Test("A mail event gets 202, requires the scope admin, and is sent with its actor")
  func mailEvent() async throws {
    var builder = EdgeBuilder()
    builder.scopes = [.admin]
    try await serving(builder) { [builder] client in
      let answer = try await client.send("POST", "", #"{"event":"bounced","email":"ana@example.com"}"#, base: ResourcePath.mailEvents)
      #expect(answer.status == 202)
      #expect(builder.mailEvents.entries.map(\.email) == ["ana@example.com"])
      #expect(builder.mailReporters.entries == [.token(builder.tokenID)])
    }
    builder.scopes = [.scim]
    try await serving(builder) { [builder] client in
      let answer = try await client.send("POST", "", #"{"event":"bounced","email":"ana@example.com"}"#, base: ResourcePath.mailEvents)
      #expect(answer.status == 403)
      #expect(builder.mailReporters.entries.count == 1)
    }
  }

  @Test("Connections that arrive while the server shuts down are answered or refused, and the process goes on")
  func connectionsDuringShutdown() async throws {
    let request = "GET /Users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for _ in 1...20 {
      try await serving(EdgeBuilder()) { client, shutDown in
        await withDiscardingTaskGroup { clients in
          for _ in 1...8 {
            clients.addTask {
              // Ends when the server refuses connections.
              while let text = try? await client.exchange(request) {
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 4"))
              }
            }
          }
          await shutDown()
        }
      }
    }
  }

  @Test("A request in flight completes after the shutdown began")
  func shutdown() async throws {
    let (arrivals, arrived) = AsyncStream<Void>.makeStream()
    let (permissions, permitted) = AsyncStream<Void>.makeStream()
    var builder = EdgeBuilder()
    builder.reply = { command in
      arrived.yield()
      for await _ in permissions.prefix(1) {}
      return .resource(EdgeBuilder.user("ana@example.com", id: command.resource), created: true)
    }
    try await serving(builder) { client, shutDown in
      async let response = client.send("POST", "/Users", #"{"userName":"ana@example.com"}"#)
      for await _ in arrivals.prefix(1) {}
      await shutDown()
      try await eventually("the edge to take no more connections") {
        do {
          _ = try await client.send("GET", "/Users")
          return false
        } catch is URLError {
          return true
        }
      }
      permitted.yield()
      let answer = try await response
      #expect(answer.status == 201)
    }
  }
}
