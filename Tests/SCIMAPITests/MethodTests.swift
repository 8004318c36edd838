import Foundation
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Methods, media types and paths")
struct MethodTests {
  private static let ana = EdgeBuilder.user("ana@example.com")
  private static let team = EdgeBuilder.group("Data team")

  private static var builder: EdgeBuilder {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: ana)], groups: [FoundResource(resource: team)])
    builder.reply = { command in .resource(EdgeBuilder.user("ana@example.com", id: command.resource), created: false) }
    return builder
  }

  @Test(
    "HEAD returns the response of GET without the body",
    arguments: [
      "/Users", "/Users/\(ana.id)", "/Users/\(ana.id)?attributes=userName", "/Groups", "/Groups/\(team.id)", "/ServiceProviderConfig",
      "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group", "/Users/unknown",
      "/Users?filter=x",
    ])
  func head(path: String) async throws {
    try await serving(Self.builder) { client in
      let get = try await client.send("GET", path)
      let head = try await client.send("HEAD", path)
      #expect(head.status == get.status)
      #expect(head.body.isEmpty)
      for name in ["content-type", "content-length", "etag", "location", "content-location"] {
        #expect(head.headers[name] == get.headers[name], "\(name)")
      }
      #expect(head.headers["content-length"] == "\(get.body.count)")
    }
  }

  @Test("HEAD without a token is rejected like GET, without a body")
  func headRefused() async throws {
    try await serving(Self.builder, token: "") { client in
      let head = try await client.send("HEAD", "/Users")
      #expect(head.status == 401)
      #expect(head.body.isEmpty)
      #expect(head.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
    }
  }

  private static let one = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"

  @Test(
    "OPTIONS lists the methods of a path, and other methods get 405 with the same list",
    arguments: [
      ("/Users", "GET, HEAD, POST, OPTIONS", "DELETE"), ("/Users/", "GET, HEAD, POST, OPTIONS", "PATCH"),
      ("/Groups/\(team.id)", one, "POST"), ("/Users/\(ana.id)", one, "POST"), ("/ServiceProviderConfig", "GET, HEAD, OPTIONS", "POST"),
      ("/Schemas/urn:x", "GET, HEAD, OPTIONS", "DELETE"), ("/ResourceTypes", "GET, HEAD, OPTIONS", "PUT"),
    ])
  func options(path: String, allowed: String, refused: String) async throws {
    try await serving(Self.builder) { [builder = Self.builder] client in
      let options = try await client.send("OPTIONS", path)
      #expect(options.status == 204)
      #expect(options.headers["allow"] == allowed)
      #expect(options.body.isEmpty)
      let answer = try await client.send(refused, path, "{}")
      #expect(answer.status == 405)
      #expect(answer.headers["allow"] == allowed)
      #expect(answer.json["status"] == "405")
      #expect(builder.sentCommands.entries.isEmpty)
    }
  }

  @Test("OPTIONS of an unknown path gets 404")
  func optionsOfUnknownPath() async throws {
    try await serving(Self.builder) { client in
      let answer = try await client.send("OPTIONS", "/Robots")
      #expect(answer.status == 404)
    }
  }

  @Test(
    "An Accept header that excludes JSON gets 406, any other is accepted",
    arguments: [
      (nil, 200, MediaType.scim), ("", 200, MediaType.scim), ("*/*", 200, MediaType.scim), ("application/*", 200, MediaType.scim),
      ("application/json", 200, MediaType.json), ("application/scim+json; charset=utf-8", 200, MediaType.scim),
      ("text/html, application/json;q=0.1", 200, MediaType.json), ("text/html,*/*;q=0.8", 200, MediaType.scim),
      ("application/vnd.example+json", 200, MediaType.scim), ("json", 200, MediaType.scim), ("text/html", 406, MediaType.scim),
      ("application/xml, text/*", 406, MediaType.scim), ("application/json;q=0", 406, MediaType.json), ("*/*;q=0.0", 406, MediaType.scim),
    ] as [(String?, Int, String)])
  func accept(value: String?, status: Int, mediaType: String) async throws {
    try await serving(Self.builder) { client in
      let answer = try await client.send("GET", "/Users/\(Self.ana.id)", headers: value.map { ["Accept": $0] } ?? [:])
      #expect(answer.status == status)
      #expect(answer.headers["content-type"]?.hasPrefix(mediaType) == true)
      if status == 406 { #expect(answer.json["status"] == "406") }
    }
  }

  @Test("An unexpected body is discarded, and the connection stays usable")
  func unexpectedBody() async throws {
    var builder = Self.builder
    builder.reply = { _ in .done }
    try await serving(builder) { client in
      let requests = ["GET", "DELETE", "HEAD", "OPTIONS"].map { method in
        """
        \(method) /api/v2/scim/Users/\(Self.ana.id) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(client.token)\r\n\
        Content-Type: application/scim+json\r\nContent-Length: 14\r\n\(method == "OPTIONS" ? "Connection: close\r\n" : "")\r\n\
        {"schemas":[]}
        """
      }
      let answers = try await client.exchange(requests.joined())
      #expect(answers.split(separator: "HTTP/1.1 ").map { $0.prefix(3) } == ["200", "204", "200", "204"])
    }
  }

  @Test("A trailing slash and the protocol version in the path are accepted")
  func paths() async throws {
    try await serving(Self.builder) { client in
      for path in ["/Users/", "/v2/Users", "/v2/Users/", "/Users/\(Self.ana.id)/", "/v2/Users/\(Self.ana.id)", "/Schemas/"] {
        #expect(try await client.send("GET", path).status == 200, "\(path)")
      }
      #expect(
        try await client.send("GET", "/v2/Users/\(Self.ana.id)").headers["location"]
          == "https://app.example.com/api/v2/scim/Users/\(Self.ana.id)")
      for path in ["/v1/Users", "/v3", "/v1.1/Users/\(Self.ana.id)"] {
        let answer = try await client.send("GET", path)
        #expect(answer.status == 400)
        #expect(answer.json["scimType"] == "invalidVers")
      }
      #expect(try await client.send("GET", "/vip").status == 404)
    }
  }

  @Test(
    "A sensitive attribute in a URL is rejected",
    arguments: ["access_token=abc", "password=abc", "filter=password%20eq%20%22abc%22", "filter=active%20eq%20true%20and%20password%20pr"])
  func sensitive(query: String) async throws {
    try await serving(Self.builder) { client in
      let answer = try await client.send("GET", "/Users?\(query)")
      #expect(answer.status == 403)
      #expect(answer.json["scimType"] == "sensitive")
      #expect(!answer.detail.contains("abc"))
      #expect(try await client.send("GET", "/Users?filter=userName%20eq%20%22password%22").status == 200)
    }
  }

  @Test("A PATCH with too many operations and JSON nested too deep are rejected with the limit")
  func bounds() async throws {
    try await serving(Self.builder) { client in
      func patch(_ count: Int) -> String {
        let operations = Array(repeating: #"{"op":"replace","path":"title","value":"a"}"#, count: count).joined(separator: ",")
        return #"{"schemas":["\#(MessageSchema.patchOperation)"],"Operations":[\#(operations)]}"#
      }
      #expect(try await client.send("PATCH", "/Users/\(Self.ana.id)", patch(1000)).status == 200)
      let many = try await client.send("PATCH", "/Users/\(Self.ana.id)", patch(1001))
      #expect(many.status == 413)
      #expect(many.detail.contains("1001") && many.detail.contains("1000"))
      let deep = #"{"userName":"ana","x":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}"
      let answer = try await client.send("POST", "/Users", deep)
      #expect(answer.status == 400)
      #expect(answer.json["scimType"] == "invalidSyntax")
      #expect(answer.detail.contains("32"))
    }
  }
}
