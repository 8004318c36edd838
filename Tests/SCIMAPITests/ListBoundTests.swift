import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Size limit of list pages", .timeLimit(.minutes(10)))
struct ListBoundTests {
  /// Users of half a megabyte each, more than fit in a response.
  private static func users(_ count: Int) -> [FoundResource] {
    (0..<count).map { number in
      var resource = EdgeBuilder.user("user\(number)@example.com")
      let title = #","title":"\#(String(repeating: "x", count: 500_000))""#
      let text = String(decoding: resource.document, as: UTF8.self).replacing(#","active":true"#, with: #","active":true\#(title)"#)
      resource.document = Array(text.utf8)
      return FoundResource(resource: resource)
    }
  }

  private static func names(_ answer: Answer) -> [String] {
    (answer.json["Resources"]?.array ?? []).compactMap { $0.object?["userName"]?.string }
  }

  private static let expected = (0..<40).map { "user\($0)@example.com" }

  @Test("A page ends at 8 MB with its number of resources, and the next page continues after it")
  func positions() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: Self.users(40))
    try await serving(builder) { client in
      var names: [String] = []
      while names.count < 40 {
        let page = try await client.send("GET", "/Users?startIndex=\(names.count + 1)&count=100")
        #expect(page.status == 200)
        #expect(page.body.count < ListResponse.maximumBytes + (1 << 20))
        #expect(page.json["totalResults"] == 40)
        #expect(page.json["startIndex"] == .integer(Int64(names.count + 1)))
        let found = Self.names(page)
        try #require(!found.isEmpty)
        #expect(page.json["itemsPerPage"] == .integer(Int64(found.count)))
        #expect(found.count < 20)
        names += found
      }
      #expect(names == Self.expected)
    }
  }

  @Test("The limit applies to cursors and POST as well")
  func cursors() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: Self.users(40))
    try await serving(builder) { client in
      var names: [String] = []
      var cursor: String? = ""
      while let present = cursor {
        let search = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"cursor":"\#(present)","count":100}"#
        let page = try await client.send("POST", "/Users/.search", search)
        #expect(page.status == 200)
        let found = Self.names(page)
        try #require(!found.isEmpty)
        #expect(page.json["itemsPerPage"] == .integer(Int64(found.count)))
        #expect(page.json["startIndex"] == nil)
        names += found
        cursor = page.json["nextCursor"]?.string
      }
      #expect(names == Self.expected)
    }
  }

  @Test("A database read ends at the size of a response and returns where the next page starts")
  func statement() async throws {
    let store = try await StoreBuilder.start()
    let users = try await store.insertUsers((0..<30).map { "u\($0)" })
    try await store.write(
      """
      update identity.users
      set document = replace(document, '"active":true', '"active":true,"title":"' || repeat('x', 500000) || '"')
      """, [])
    let reads = DatabaseReads(database: store.database)
    var seen: [ResourceID] = []
    var place: CursorPosition?
    repeat {
      let query = try DatabaseReadsTests.query(.user, part: .from(place, count: 100))
      let found = try await reads.list(query, in: store.workspace)
      if place == nil { #expect(found.total == 30) }
      #expect(found.resources.reduce(0) { $0 + $1.found.resource.document.count } < ListResponse.maximumBytes + (1 << 20))
      try #require(!found.resources.isEmpty)
      seen += found.resources.map(\.found.resource.id)
      place = found.next
    } while place != nil
    #expect(seen == users)
    let page = try await reads.list(try DatabaseReadsTests.query(.user, part: .page(Page(startIndex: 11, count: 100))), in: store.workspace)
    #expect(page.total == 30)
    #expect(page.resources.map(\.found.resource.id) == Array(users[10..<(10 + page.resources.count)]))
    #expect((10..<20).contains(page.resources.count))
    await store.close()
  }
}
