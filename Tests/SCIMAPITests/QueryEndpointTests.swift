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

@Suite("Queries over HTTP")
struct QueryEndpointTests {
  private static func builder() -> EdgeBuilder {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(
      users: (1...5).map { FoundResource(resource: EdgeBuilder.user("user\($0)@example.com")) },
      groups: ["Data team", "Sales"].map { FoundResource(resource: EdgeBuilder.group($0)) })
    return builder
  }

  private static func search(_ members: String) -> String {
    #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]\#(members.isEmpty ? "" : ",")\#(members)}"#
  }

  private static func names(_ answer: Answer) -> [String] {
    (answer.json["Resources"]?.array ?? []).compactMap { ($0.object?["userName"] ?? $0.object?["displayName"])?.string }
  }

  @Test("A query at the root covers users and groups, with and without a trailing slash")
  func root() async throws {
    try await serving(Self.builder()) { client in
      for path in ["", "/"] {
        let all = try await client.send("GET", path)
        #expect(all.status == 200)
        #expect(all.json["totalResults"] == 7)
        #expect(Self.names(all).suffix(2) == ["Data team", "Sales"])
      }
      let groups = try await client.send("GET", "/?filter=meta.resourceType%20eq%20%22Group%22&attributes=displayName")
      #expect(groups.json["totalResults"] == 2)
      #expect(Set(groups.json["Resources"]?.array?.first?.object.map { Array($0.keys) } ?? []) == ["schemas", "id", "displayName"])
      // Groups have no userName, so no group has a different one.
      let user = try await client.send("POST", "/.search", Self.search(#""filter":"userName eq \"user3@example.com\"""#))
      #expect(Self.names(user) == ["user3@example.com"])
      let sorted = try await client.send("GET", "/?sortBy=userName")
      #expect(sorted.status == 200)
    }
  }

  @Test("A search by POST returns the same as the query by GET", arguments: ["/Users", "/Groups", ""])
  func post(_ path: String) async throws {
    try await serving(Self.builder()) { client in
      let search = Self.search(
        #""filter":"meta.resourceType pr","startIndex":2,"count":2,"attributes":["displayName","userName"],"sortBy":"id","sortOrder":"ascending""#
      )
      let posted = try await client.send("POST", "\(path)/.search", search)
      let queried = try await client.send(
        "GET", "\(path)?filter=meta.resourceType%20pr&startIndex=2&count=2&attributes=displayName,userName&sortBy=id&sortOrder=ascending")
      #expect(posted.status == 200)
      #expect(posted.body == queried.body)
      #expect(posted.json["startIndex"] == 2)
    }
  }

  @Test("A list is read by cursor to its end and back")
  func cursors() async throws {
    try await serving(Self.builder()) { client in
      let first = try await client.send("GET", "/Users?cursor=&count=2")
      #expect(first.json["totalResults"] == 5)
      #expect(first.json["startIndex"] == nil)
      #expect(first.json["itemsPerPage"] == 2)
      #expect(first.json["previousCursor"] == nil)
      #expect(Self.names(first) == ["user1@example.com", "user2@example.com"])
      let second = try await client.send("GET", "/Users?count=2&cursor=\(try #require(first.json["nextCursor"]?.string))")
      #expect(second.json["totalResults"] == 5)
      #expect(Self.names(second) == ["user3@example.com", "user4@example.com"])
      let next = try #require(second.json["nextCursor"]?.string)
      let last = try await client.send("POST", "/Users/.search", Self.search(#""cursor":"\#(next)","count":2"#))
      #expect(Self.names(last) == ["user5@example.com"])
      #expect(last.json["nextCursor"] == nil)
      let back = try await client.send("GET", "/Users?count=2&cursor=\(try #require(last.json["previousCursor"]?.string))")
      #expect(Self.names(back) == ["user3@example.com", "user4@example.com"])
      // The page size may differ, but not the query.
      #expect(Self.names(try await client.send("GET", "/Users?count=1&cursor=\(next)")) == ["user5@example.com"])
      for path in ["/Groups?cursor=\(next)", "/Users?filter=active%20eq%20true&cursor=\(next)", "/Users?sortBy=userName&cursor=\(next)"] {
        #expect(try await client.send("GET", path).json["scimType"] == "invalidCursor")
      }
    }
    var impatient = Self.builder()
    impatient.cursorLifetime = 0
    try await serving(impatient) { client in
      let first = try await client.send("GET", "/Users?cursor=&count=2")
      let late = try await client.send("GET", "/Users?cursor=\(try #require(first.json["nextCursor"]?.string))")
      #expect(late.status == 400)
      #expect(late.json["scimType"] == "expiredCursor")
    }
  }

  @Test(
    "Invalid parameters are rejected by name",
    arguments: [
      ("GET", "/Users?sortBy=nonsense", "", 400, "invalidPath", "nonsense"),
      ("GET", "/Users?sortBy=name", "", 400, "invalidPath", "familyName"),
      ("GET", "/Users?sortBy=a%20b", "", 400, "invalidPath", "sortBy"), ("GET", "/Users?sortBy=password", "", 400, "invalidPath", "never"),
      ("GET", "/Users?sortBy=userName&sortOrder=up", "", 400, "invalidValue", "descending"),
      ("GET", "/Users?cursor=x", "", 400, "invalidCursor", "cursor"),
      ("GET", "/Users?cursor=&count=0", "", 400, "invalidCount", "1 to 200"),
      ("GET", "/Users?cursor=&count=201", "", 400, "invalidCount", "201"),
      ("GET", "/Users?cursor=&count=many", "", 400, "invalidCount", "many"),
      ("GET", "/Users?cursor=&startIndex=1", "", 400, "invalidValue", "startIndex"),
      ("GET", "/Users?attributes=id&excludedAttributes=id", "", 400, "invalidValue", "excludedAttributes"),
      ("GET", "/?filter=active%20gt%20true", "", 400, "invalidFilter", "active gt true"),
      ("GET", "/Users?filter=password%20eq%20%22x%22", "", 403, "sensitive", "URL"),
      ("POST", "/.search", #"{"filter":"id pr"}"#, 400, "invalidSyntax", "SearchRequest"),
      ("POST", "/.search", "[]", 400, "invalidSyntax", "object"),
      ("POST", "/Users/.search", search(#""count":"10""#), 400, "invalidValue", "count"),
      ("POST", "/Users/.search", search(#""attributes":"userName""#), 400, "invalidValue", "attributes"),
      ("POST", "/Users/.search", search(#""filter":"userName""#), 400, "invalidFilter", "operator"),
      ("GET", "/Users/.search", "", 405, nil, "POST"), ("POST", "/", "{}", 405, nil, "GET"),
      ("GET", "/Me", "", 501, nil, "token"), ("PATCH", "/Me", "{}", 501, nil, "token"),
    ] as [(String, String, String, Int, String?, String)])
  func refused(_ method: String, _ path: String, _ body: String, _ status: Int, _ type: String?, _ mention: String) async throws {
    try await serving(Self.builder()) { client in
      let answer = try await client.send(method, path, body.isEmpty ? nil : body)
      #expect(answer.status == status, "\(answer.detail)")
      #expect(answer.json["schemas"] == [.string(MessageSchema.error)])
      #expect(answer.json["scimType"]?.string == type, "\(answer.detail)")
      #expect(answer.detail.contains(mention), "\(answer.detail)")
    }
  }

  @Test("A filter on the password by POST is allowed and finds nothing")
  func secret() async throws {
    try await serving(Self.builder()) { client in
      let answer = try await client.send("POST", "/Users/.search", Self.search(#""filter":"password eq \"x\"""#))
      #expect(answer.json["totalResults"] == 0)
    }
  }

  @Test("Members are not read if they are excluded")
  func members() async throws {
    let builder = Self.builder()
    try await serving(builder) { client in
      _ = try await client.send("GET", "/Groups?excludedAttributes=members")
      _ = try await client.send("GET", "/Groups?attributes=displayName")
      _ = try await client.send("POST", "/Groups/.search", Self.search(#""excludedAttributes":["members"]"#))
      #expect(builder.reads.recordedReads.entries.map(\.withRows) == [false, false, false])
      _ = try await client.send("GET", "/Groups?attributes=members.value")
      #expect(builder.reads.recordedReads.entries.last?.withRows == true)
    }
  }

  @Test("ServiceProviderConfig lists the supported features")
  func configuration() async throws {
    try await serving(Self.builder()) { client in
      let configuration = try await client.send("GET", "/ServiceProviderConfig").json
      #expect(configuration["filter"] == ["supported": true, "maxResults": .integer(Int64(Page.maximumCount))])
      #expect(configuration["sort"] == ["supported": true])
      #expect(
        configuration["pagination"] == [
          "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": .integer(Int64(Page.defaultCount)),
          "maxPageSize": .integer(Int64(Page.maximumCount)), "cursorTimeout": 60,
        ])
    }
  }
}
