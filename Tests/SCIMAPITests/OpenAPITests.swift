import Foundation
import Models
import ProvisioningLog
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import ScimAPI

@Suite("OpenAPI document")
struct OpenAPITests {
  private static let methods: Set<String> = ["get", "put", "post", "patch", "delete", "head", "options", "trace"]

  private static func document() throws -> JSONObject {
    try #require(try JSON(parsing: Array(OpenAPIDocument.json.utf8)).object)
  }

  /// The routes of the edge without the console, such as `GET /api/v2/scim/Users`.
  private static func routes() -> Set<String> {
    Set(EdgeBuilder().edge.router().routes.map { "\($0.method.rawValue) \($0.path.description)" })
  }

  private static let versioned = "\(ResourcePath.base)/v2"

  private static func isVersioned(_ route: String) -> Bool { route.hasSuffix(" \(versioned)") || route.contains(" \(versioned)/") }

  @Test("has the routes and methods of the router")
  func operations() throws {
    // The document says that every GET has a HEAD, and every SCIM path a twin with the version of the protocol.
    let routed = Self.routes().filter { !$0.hasPrefix("HEAD ") && !Self.isVersioned($0) }
    var documented: Set<String> = []
    let paths = try #require(try Self.document()["paths"]?.object)
    for path in paths {
      let item = try #require(path.value.object, "\(path.key)")
      for name in item.keys where Self.methods.contains(name) { documented.insert("\(name.uppercased()) \(path.key)") }
    }
    #expect(routed.subtracting(documented).sorted() == [], "add these routes to ops/openapi.yaml")
    #expect(documented.subtracting(routed).sorted() == [], "these routes do not exist")
  }

  @Test("says rightly that every GET has a HEAD, and every SCIM path a twin with the version of the protocol")
  func implied() {
    let routes = Self.routes()
    for route in routes {
      if route.hasPrefix("GET ") { #expect(routes.contains("HEAD" + route.dropFirst(3)), "\(route)") }
      if route.hasPrefix("HEAD ") { #expect(routes.contains("GET" + route.dropFirst(4)), "\(route)") }
      if !Self.isVersioned(route), route.contains(" \(ResourcePath.base)") {
        #expect(routes.contains(route.replacing(ResourcePath.base, with: Self.versioned)), "\(route)")
      }
    }
  }

  @Test(
    "has the values of the code",
    arguments: [
      ("TokenScope", TokenScope.allCases.map(\.rawValue)), ("UserState", UserState.allCases.map(\.rawValue)),
      ("MembershipStatus", MembershipStatus.allCases.map(\.rawValue)), ("EventType", DirectoryEvent.Kind.allCases.map(\.rawValue)),
      ("RevocationReason", DirectoryEvent.RevocationReason.allCases.map(\.rawValue)),
      ("InvitationState", InvitationState.allCases.map(\.rawValue)), ("HeldChangeKind", HeldChangeKind.allCases.map(\.rawValue)),
      ("FailureCause", Diagnosis.Cause.allCases.map(\.rawValue)), ("Relink", Relink.allCases.map(\.rawValue)),
      ("ScimErrorType", SCIMErrorType.allCases.map(\.rawValue)),
    ])
  func values(schema: String, values: [String]) throws {
    let stated = try #require(try Self.schema(schema)["enum"]?.array?.compactMap(\.string))
    #expect(Set(stated) == Set(values))
  }

  private static func schema(_ name: String) throws -> JSONObject {
    try #require(try document()["components"]?.object?["schemas"]?.object?[name]?.object, "there is no schema \(name)")
  }

  @Test("has every setting of a workspace")
  func settings() throws {
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
      changeGuard: ChangeGuard(maximumShrink: 0.5, maximumDeactivations: 10, holdsLastAdmin: true, notify: "it@acme.example"),
      seats: SeatLimit(limit: 10), adminLanguage: "de")
    let object = try #require(try JSON(parsing: JSONData.encode(settings)).object)
    // `mailDomains` has routes of its own, and can be repeated in a change.
    for (name, more) in [("Workspace", []), ("WorkspaceChange", []), ("NewWorkspace", ["mailDomains"])] as [(String, [String])] {
      let properties = try #require(try Self.schema(name)["properties"]?.object)
      let missing = Set(object.keys).subtracting(properties.keys).subtracting(more)
      #expect(missing == [], "\(name)")
    }
    let documented = try #require(try Self.schema("ChangeGuard")["properties"]?.object)
    let stored = try #require(object["changeGuard"]?.object)
    #expect(Set(stored.keys) == Set(documented.keys))
  }

  @Test("is served to everybody, with a tag by which clients keep it")
  func served() async throws {
    try await serving(EdgeBuilder(), token: "") { client in
      let answer = try await client.sendRaw("GET", "/api/openapi.json", "", headers: [:])
      #expect(answer.status == 200 && answer.text == OpenAPIDocument.json)
      #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
      #expect(answer.headers["cache-control"]?.hasPrefix("public") == true)
      let tag = try #require(answer.headers["etag"])
      for known in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
        let again = try await client.sendRaw("GET", "/api/openapi.json", "", headers: ["If-None-Match": known])
        #expect(again.status == 304 && again.body.isEmpty && again.headers["etag"] == tag, "\(known)")
      }
      let changed = try await client.sendRaw("GET", "/api/openapi.json", "", headers: ["If-None-Match": "\"x\""])
      #expect(changed.status == 200)
      let head = try await client.sendRaw("HEAD", "/api/openapi.json", "", headers: [:])
      #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == "\(OpenAPIDocument.json.utf8.count)")
      let refused = try await client.sendRaw("POST", "/api/openapi.json", "", headers: [:])
      #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD, OPTIONS")
    }
  }

  @Test("has the rate limit of public documents")
  func limited() async throws {
    var builder = EdgeBuilder()
    builder.rates.publicRead = Rate(perSecond: 0.001, burst: 2)
    try await serving(builder) { client in
      var statuses: [Int] = []
      for _ in 0..<3 { statuses.append(try await client.sendRaw("GET", "/api/openapi.json", "", headers: [:]).status) }
      #expect(statuses == [200, 200, 429])
      let other = try await client.send("GET", "/Schemas")
      #expect(other.status == 200)
    }
  }
}
