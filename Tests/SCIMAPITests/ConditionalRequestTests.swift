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

@Suite("Conditional requests")
struct ConditionalRequestTests {
  private static let ana = EdgeBuilder.user("ana@example.com", version: 3)

  @Test(
    "Entity tags are parsed as lists and compared weakly",
    arguments: [
      (#"W/"3""#, true), (#""3""#, true), (#""1", W/"3""#, true), (#"W/"1",,W/"3" "#, true), ("*", true), (" * ", true),
      (#"W/"4""#, false), (#""other, tag", "33""#, false), (#""""#, false), (#""03""#, false),
    ])
  func matching(text: String, matches: Bool) throws {
    let condition = try EntityTagCondition(parsing: text, of: "If-Match")
    #expect(condition.matches(3) == matches)
    // The command for identity-store has the same condition.
    #expect(condition.expectedVersions.map { $0.contains(3) } ?? true == matches)
  }

  @Test(
    "An invalid list of entity tags is rejected with the name of the header",
    arguments: ["3", "W/3", #""3"#, #"w/"3""#, ",", #"* , "3""#, #""3" "4""#])
  func malformed(text: String) async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: Self.ana)])
    try await serving(builder) { [builder] client in
      for (method, header) in [("GET", "If-None-Match"), ("PUT", "If-Match"), ("PATCH", "If-Match"), ("DELETE", "If-Match")] {
        let answer = try await client.send(
          method, "/Users/\(Self.ana.id)", method == "PUT" || method == "PATCH" ? "{}" : nil, headers: [header: text])
        #expect(answer.status == 400)
        #expect(answer.json["scimType"] == "invalidValue")
        #expect(answer.detail.contains(header), "\(answer.detail)")
      }
      #expect(builder.sentCommands.entries.isEmpty)
    }
  }

  @Test("A version that the client already has gets 304", arguments: [#"W/"3""#, #""3""#, #"W/"1", W/"3""#, "*"])
  func notModified(tag: String) async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: Self.ana)])
    try await serving(builder) { [builder] client in
      for method in ["GET", "HEAD"] {
        let answer = try await client.send(method, "/Users/\(Self.ana.id)", headers: ["If-None-Match": tag])
        #expect(answer.status == 304)
        #expect(answer.headers["etag"] == "W/\"3\"")
        #expect(answer.body.isEmpty)
      }
      #expect(builder.reads.recordedReads.entries.map(\.withRows) == [false, false])
    }
  }

  @Test("Another version is sent in full, and its entity tag is meta.version")
  func modified() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: Self.ana)])
    try await serving(builder) { client in
      let answer = try await client.send("GET", "/Users/\(Self.ana.id)", headers: ["If-None-Match": #"W/"2""#])
      #expect(answer.status == 200)
      #expect(answer.json["groups"] == [])
      #expect(answer.json["meta"]?.object?["version"]?.string == answer.headers["etag"])
      #expect(answer.json["meta"]?.object?["location"]?.string == answer.headers["content-location"])
      #expect(answer.headers["location"] == answer.headers["content-location"])
      let part = try await client.send("GET", "/Users/\(Self.ana.id)?attributes=userName", headers: ["If-None-Match": #"W/"2""#])
      #expect(part.json["userName"] == "ana@example.com")
      let gone = try await client.send("GET", "/Users/\(ResourceID.made(at: Date()))", headers: ["If-None-Match": "*"])
      #expect(gone.status == 404)
    }
  }

  @Test("If-Match is sent to identity-store with the command, and a failed precondition gets 412")
  func precondition() async throws {
    var builder = EdgeBuilder()
    let error = SCIMError(status: 412, scimType: nil, detail: "The user has another version.")
    builder.reply = { _ in .refused(status: 412, error: error.body()) }
    let patch = #"{"schemas":["\#(MessageSchema.patchOperation)"],"Operations":[{"op":"replace","value":{"active":false}}]}"#
    try await serving(builder) { [builder] client in
      for (method, body) in [("PUT", #"{"userName":"ana"}"#), ("PATCH", patch), ("DELETE", nil)] {
        let answer = try await client.send(method, "/Users/\(Self.ana.id)", body, headers: ["If-Match": #"W/"2", "theirs", "1""#])
        #expect(answer.status == 412)
        #expect(answer.body == error.body())
      }
      _ = try await client.send("DELETE", "/Users/\(Self.ana.id)", headers: ["If-Match": "*"])
      _ = try await client.send("DELETE", "/Users/\(Self.ana.id)")
      _ = try await client.send("POST", "/Users", #"{"userName":"ana"}"#, headers: ["If-Match": #""2""#])
      #expect(builder.sentCommands.entries.map(\.expectedVersions) == [[2, 1], [2, 1], [2, 1], nil, nil, nil])
    }
  }
}
