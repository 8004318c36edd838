import Foundation
import Models
import SCIM
import Synchronization
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Bulk over HTTP")
struct BulkTests {
  private static let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

  private func body(_ operations: [String], _ rest: String = "") -> String {
    #"{"schemas":["\#(MessageSchema.bulkRequest)"],\#(rest)"Operations":[\#(operations.joined(separator: ","))]}"#
  }

  private func post(_ bulkID: String, user name: String, _ rest: String = "") -> String {
    #"{"method":"POST","path":"/Users","bulkId":"\#(bulkID)","data":{"userName":"\#(name)@example.com"\#(rest)}}"#
  }

  private func post(_ bulkID: String, group name: String, members: [String]) -> String {
    let members = members.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    return #"{"method":"POST","path":"/Groups","bulkId":"\#(bulkID)","data":{"displayName":"\#(name)","members":[\#(members)]}}"#
  }

  /// A store that executes every command. Users in `taken` exist already (409), and users in `relinked` are relinked to these ids.
  private static func store(taken: Set<String> = [], relinked: [String: ResourceID] = [:]) -> @Sendable (Command) -> Reply.Outcome? {
    { command in
      guard case .bulk(let bulk) = command.operation else { return nil }
      var progress = BulkProgress(bulk) { id, status in
        let error = SCIMError.failedReference(id.description, status: status)
        return .refused(status: error.status, error: error.body())
      }
      while let next = progress.next() {
        progress.take(
          next.map { operation, write in
            var id = operation.resource
            switch write {
            case .createUser(let document):
              let text = String(decoding: document, as: UTF8.self)
              if taken.contains(where: { text.contains($0) }) {
                return .refused(status: 409, error: SCIMError(status: 409, scimType: .uniqueness, detail: "taken by \(id)").body())
              }
              id = relinked.first { text.contains($0.key) }?.value ?? id
            case .deleteUser, .deleteGroup: return .done
            default: break
            }
            return .resource(EdgeBuilder.user("x", id: id), created: operation.isCreation)
          })
      }
      return .bulk(progress.outcomes)
    }
  }

  private func bulk(_ builder: EdgeBuilder) throws -> Bulk {
    guard case .bulk(let bulk)? = builder.sentCommands.entries.first?.operation else { throw URLError(.badServerResponse) }
    return bulk
  }

  @Test("All methods are sent in one command, and the response has location, version and status of each operation")
  func methods() async throws {
    var builder = EdgeBuilder()
    builder.reply = Self.store()
    let (user, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let patch = #"{"schemas":["\#(MessageSchema.patchOperation)"],"Operations":[{"op":"replace","path":"title","value":"Boss"}]}"#
    try await serving(builder) { [builder] client in
      let answer = try await client.send(
        "POST", "/Bulk",
        body([
          post("q", user: "ana"), #"{"method":"PUT","path":"/Users/\#(user)","version":"W/\"3\"","data":{"userName":"ben@example.com"}}"#,
          #"{"method":"PATCH","path":"Users/\#(user)/","data":\#(patch)}"#, #"{"method":"DELETE","path":"/Groups/\#(group)"}"#,
        ]))
      #expect(answer.status == 200)
      #expect(answer.json["schemas"] == [.string(MessageSchema.bulkResponse)])
      let operations = answer.operations
      #expect(operations.map { $0["status"] } == ["201", "200", "200", "204"])
      #expect(operations.map { $0["method"] } == ["POST", "PUT", "PATCH", "DELETE"])
      #expect(operations.map { $0["bulkId"] } == ["q", nil, nil, nil])
      #expect(operations.map { $0["version"] } == [#"W/"1""#, #"W/"1""#, #"W/"1""#, nil])
      let base = "https://app.example.com/api/v2/scim"
      let bulk = try bulk(builder)
      #expect(
        operations.map { $0["location"]?.string } == [
          "\(base)/Users/\(bulk.operations[0].resource)", "\(base)/Users/\(user)", "\(base)/Users/\(user)", "\(base)/Groups/\(group)",
        ])
      #expect(operations.allSatisfy { $0["response"] == nil })
      #expect(builder.sentCommands.entries.count == 1)
      #expect(bulk.operations[1].expectedVersions == [3])
      #expect(Set(bulk.operations.map(\.command)).count == 4)
    }
  }

  @Test("bulkId references in data, filters and paths are resolved to new ids, and referenced operations run first")
  func references() async throws {
    var builder = EdgeBuilder()
    builder.reply = Self.store()
    let remove = #"{"op":"remove","path":"members[value eq \"bulkId:u\"]"}"#
    let patch = #"{"schemas":["\#(MessageSchema.patchOperation)"],"Operations":[\#(remove)]}"#
    try await serving(builder) { [builder] client in
      let answer = try await client.send(
        "POST", "/Bulk",
        body([
          #"{"method":"PATCH","path":"/Groups/bulkId:g","data":\#(patch)}"#, post("g", group: "Data team", members: ["bulkId:u"]),
          post("u", user: "ana"), #"{"method":"DELETE","path":"/Groups/bulkId:g"}"#,
        ]))
      let operations = answer.operations
      #expect(operations.map { $0["status"] } == ["200", "201", "201", "204"])
      let bulk = try bulk(builder)
      let (user, group) = (bulk.operations[0].resource, bulk.operations[1].resource)
      #expect(bulk.operations.map(\.resource) == [user, group, group, group])
      #expect(bulk.operations.map { Set($0.references) } == [[], [user], [user, group], [group]])
      guard case .write(.createGroup(let document)) = bulk.operations[1].action,
        case .write(.patchGroup(let patch)) = bulk.operations[2].action
      else { return #expect(Bool(false), "\(bulk)") }
      #expect(String(decoding: document, as: UTF8.self).contains("\(user)"))
      #expect(String(decoding: patch, as: UTF8.self).contains("\(user)"))
      #expect(!answer.text.contains("bulkId:"))
    }
  }

  @Test("Users that reference each other are a cycle; references in read-only attributes are ignored")
  func circle() async throws {
    var builder = EdgeBuilder()
    builder.reply = Self.store()
    @Sendable func manager(_ name: String) -> String { #","\#(Self.enterprise)":{"manager":{"value":"bulkId:\#(name)"}}"# }
    try await serving(builder) { [builder] client in
      let answer = try await client.send(
        "POST", "/Bulk",
        body([
          post("a", user: "ana", manager("b")), post("c", user: "cem", #","groups":[{"value":"bulkId:g"}]"#),
          post("b", user: "ben", manager("a")),
          post("g", group: "Team", members: ["bulkId:c"]),
        ]))
      #expect(answer.json["Operations"]?.array?.map { $0.object?["status"] } == ["201", "201", "201", "201"])
      let bulk = try bulk(builder)
      #expect(bulk.operations.map { $0.cycle != nil } == [true, true, false, false])
      #expect(bulk.operations[0].references == [bulk.operations[1].resource])
      #expect(bulk.operations[2].references == [])
    }
  }

  @Test("A relinked user keeps the former id, also in references")
  func relinking() async throws {
    var builder = EdgeBuilder()
    let old = ResourceID.made(at: Date())
    builder.reply = Self.store(relinked: ["ana@": old])
    try await serving(builder) { client in
      let answer = try await client.send("POST", "/Bulk", body([#"{"method":"DELETE","path":"/Users/bulkId:a"}"#, post("a", user: "ana")]))
      let locations = answer.json["Operations"]?.array?.compactMap { $0.object?["location"]?.string }
      #expect(locations?.count == 2 && locations?.allSatisfy { $0.hasSuffix("/Users/\(old)") } == true)
    }
  }

  @Test("Each invalid operation has its own error, and the others are executed")
  func errors() async throws {
    var builder = EdgeBuilder()
    builder.reply = Self.store(taken: ["twin@"])
    let cases: [(operation: String, status: String, type: String?, mention: String)] = [
      (#"{"method":"GET","path":"/Users"}"#, "400", "invalidSyntax", "method"),
      (#"{"method":"POST","path":"/Users","data":{"userName":"x"}}"#, "400", "invalidSyntax", "bulkId"),
      (#"{"method":"POST","path":"/Users","bulkId":"n","data":{}}"#, "400", "invalidValue", "userName"),
      (#"{"method":"POST","path":"/Robots","bulkId":"r","data":{}}"#, "404", nil, "/Robots"),
      (#"{"method":"POST","path":"/Users/7","bulkId":"p","data":{}}"#, "405", nil, "/Users"),
      (#"{"method":"DELETE","path":"/Users"}"#, "405", nil, "/Users/{id}"),
      (#"{"method":"DELETE","path":"/Users/42"}"#, "404", nil, "User not found"),
      (#"{"method":"DELETE","path":"/Users/bulkId:nobody"}"#, "400", "invalidValue", "bulkId:nobody"),
      (#"{"method":"DELETE","path":"/Users/\#(ResourceID.made(at: Date()))","version":"3"}"#, "400", "invalidValue", "version"),
      (#"{"method":"PATCH","path":"/Users/\#(ResourceID.made(at: Date()))","data":{}}"#, "400", "invalidSyntax", "Operations"),
      (post("m", group: "Team", members: ["bulkId:nobody"]), "400", "invalidValue", "bulkId:nobody"),
      // Operations that refer to a failed operation fail, with the client's bulkId in the detail.
      (post("o", group: "Team", members: ["bulkId:n"]), "409", nil, "bulkId:n, whose own operation failed with status 400"),
      (#"{"method":"DELETE","path":"/Groups/bulkId:o"}"#, "409", nil, "bulkId:o, whose own operation failed with status 409"),
      (post("t", user: "twin"), "409", "uniqueness", "taken by bulkId:t"),
      (post("s", group: "Twins", members: ["bulkId:t"]), "409", nil, "bulkId:t"),
      // RFC 7644 §3.7.1 has groups as members of each other; here, members of groups are users.
      (
        #"{"method":"POST","path":"/Groups","bulkId":"A","data":{"displayName":"A","members":[{"type":"Group","value":"bulkId:B"}]}}"#,
        "400",
        "invalidValue", "bulkId:B; a group's members are users"
      ),
      (
        #"{"method":"POST","path":"/Groups","bulkId":"B","data":{"displayName":"B","members":[{"type":"Group","value":"bulkId:A"}]}}"#,
        "400",
        "invalidValue", "bulkId:A; a group's members are users"
      ),
    ]
    try await serving(builder) { client in
      let answer = try await client.send("POST", "/Bulk", body(cases.map(\.operation) + [post("last", user: "zoe")]))
      #expect(answer.status == 200)
      let operations = answer.operations
      #expect(operations.count == cases.count + 1)
      #expect(operations.last?["status"] == "201")
      for (operation, expected) in zip(operations, cases) {
        #expect(operation["status"]?.string == expected.status, "\(expected.operation)")
        let error = operation["response"]?.object ?? JSONObject()
        #expect(error["schemas"] == [.string(MessageSchema.error)], "\(expected.operation)")
        #expect(error["status"]?.string == expected.status, "\(expected.operation)")
        #expect(error["scimType"]?.string == expected.type, "\(expected.operation)")
        #expect(error["detail"]?.string?.contains(expected.mention) == true, "\(expected.operation): \(error["detail"]?.string ?? "")")
        #expect(operation["version"] == nil)
        if operation["method"] == "POST" { #expect(operation["location"] == nil) }
      }
    }
  }

  @Test("The response ends after failOnErrors errors")
  func failOnErrors() async throws {
    var builder = EdgeBuilder()
    builder.reply = Self.store(taken: ["twin@"])
    try await serving(builder) { [builder] client in
      let operations = [post("a", user: "ana"), post("b", user: "twin"), #"{"method":"PUT"}"#, post("c", user: "cem")]
      let answer = try await client.send("POST", "/Bulk", body(operations, #""failOnErrors":2,"#))
      #expect(answer.json["Operations"]?.array?.map { $0.object?["status"] } == ["201", "409", "400"])
      #expect(try bulk(builder).failOnErrors == 2)
    }
  }

  @Test("No command is sent if no valid operation is left")
  func nothingToDo() async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.send("POST", "/Bulk", body([#"{"method":"PUT"}"#, #"{"method":"POST"}"#], #""failOnErrors":1,"#))
      #expect(answer.status == 200)
      #expect(answer.json["Operations"]?.array?.count == 1)
    }
  }

  @Test("If the reply is lost, the response is read from the records; operations without one were not executed")
  func lostReply() async throws {
    var builder = EdgeBuilder()
    let sentCommands = builder.sentCommands
    let old = ResourceID.made(at: Date())
    builder.reply = { _ in nil }
    builder.recorded = { id in
      guard case .bulk(let bulk)? = sentCommands.entries.first?.operation else { return nil }
      switch bulk.operations.firstIndex(where: { $0.command == id }) {
      case 0: return .resource(EdgeBuilder.user("ana", id: old), created: true)
      case 1: return .refused(status: 409, error: SCIMError(status: 409, scimType: .uniqueness, detail: "taken").body())
      default: return nil
      }
    }
    try await serving(builder) { client in
      let answer = try await client.send(
        "POST", "/Bulk",
        body([
          post("a", user: "ana"), post("b", user: "ben"), post("g", group: "Team", members: ["bulkId:b"]), post("c", user: "cem"),
          #"{"method":"DELETE","path":"/Users/bulkId:a"}"#,
        ]))
      let operations = answer.operations
      #expect(operations.map { $0["status"] } == ["201", "409", "409", "503", "503"])
      #expect(operations[0]["location"]?.string?.hasSuffix("\(old)") == true)
      #expect(operations[3]["response"]?.object?["detail"]?.string?.contains("will not be") == true)
    }
    builder.recorded = { _ in nil }
    try await serving(builder) { client in
      let answer = try await client.send("POST", "/Bulk", body([post("a", user: "ana")]))
      #expect(answer.status == 503)
      #expect(answer.headers["retry-after"] != nil)
    }
  }

  @Test("ServiceProviderConfig states the limits, and they are enforced")
  func limits() async throws {
    var builder = EdgeBuilder()
    builder.bodyLimit = 200_000
    builder.reply = Self.store()
    try await serving(builder) { [builder] client in
      let config = try await client.send("GET", "/ServiceProviderConfig")
      #expect(config.json["bulk"] == ["supported": true, "maxOperations": 1000, "maxPayloadSize": 200_000])
      #expect(config.json["etag"] == ["supported": true])
      let delete = #"{"method":"DELETE","path":"/Users/\#(ResourceID.made(at: Date()))"}"#
      let whole = try await client.send("POST", "/Bulk", body(Array(repeating: delete, count: 1000)))
      #expect(whole.json["Operations"]?.array?.count == 1000)
      let tooMany = try await client.send("POST", "/Bulk", body(Array(repeating: delete, count: 1001)))
      #expect(tooMany.status == 413)
      #expect(tooMany.detail.contains("1000"))
      let tooLarge = try await client.send("POST", "/Bulk", body([post("a", user: String(repeating: "a", count: 200_000))]))
      #expect(tooLarge.status == 413)
      #expect(tooLarge.detail.contains("200000"))
      #expect(builder.sentCommands.entries.count == 1)
      #expect(try await client.send("GET", "/Bulk").headers["allow"] == "POST, OPTIONS")
      #expect(try await client.send("POST", "/Bulk", "{}").json["scimType"] == "invalidSyntax")
    }
  }

  @Test("A token at its limit of concurrent bulk requests gets 429 with Retry-After")
  func inFlight() async throws {
    let (arrivals, arrived) = AsyncStream<Void>.makeStream()
    let (permissions, permitted) = AsyncStream<Void>.makeStream()
    var builder = EdgeBuilder()
    builder.reply = { command in
      arrived.yield()
      for await _ in permissions {}
      return Self.store()(command)
    }
    try await serving(builder) { client in
      async let first = client.send("POST", "/Bulk", body([post("a", user: "ana")]))
      async let second = client.send("POST", "/Bulk", body([post("a", user: "ana")]))
      for await _ in arrivals.prefix(2) {}
      let third = try await client.send("POST", "/Bulk", body([post("a", user: "ana")]))
      #expect(third.status == 429)
      #expect(third.detail.contains("bulk requests"))
      permitted.finish()
      #expect(try await first.status == 200)
      #expect(try await second.status == 200)
    }
  }
}

extension Answer {
  /// The operations of a BulkResponse.
  fileprivate var operations: [JSONObject] {
    (json["Operations"]?.array ?? []).compactMap(\.object)
  }
}
