import Foundation
import Models
import NIOCore
import SCIM
import SCIMStorage
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Resource writer")
struct ResourceWriterTests {
  static let base = BaseURL(site: "https://app.example.com")

  @Test("A user is written with meta, location and groups")
  func user() throws {
    let user = EdgeBuilder.user("ana@example.com", version: 3)
    let group = ResourceID.made(at: Date())
    let json = try written(.user, FoundResource(resource: user, rows: [ReferredResource(id: group, display: "Data \"team\"\n")]))
    #expect(
      json["meta"] == [
        "resourceType": "User", "created": "2026-01-01T00:00:00.000Z", "lastModified": "2026-01-01T00:00:00.000Z",
        "version": "W/\"3\"", "location": .string("https://app.example.com/api/v2/scim/Users/\(user.id)"),
      ])
    #expect(
      json["groups"] == [
        [
          "value": .string("\(group)"), "$ref": .string("https://app.example.com/api/v2/scim/Groups/\(group)"),
          "display": "Data \"team\"\n",
        ]
      ])
    #expect(json["userName"] == "ana@example.com")
  }

  @Test("A group is written with its members, each of type User")
  func group() throws {
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let rows = [ReferredResource(id: ana, display: "Ana"), ReferredResource(id: ben, display: nil)]
    let json = try written(.group, FoundResource(resource: EdgeBuilder.group("Data team"), rows: rows))
    #expect(
      json["members"] == [
        [
          "value": .string("\(ana)"),
          "$ref": .string("https://app.example.com/api/v2/scim/Users/\(ana)"), "display": "Ana", "type": "User",
        ],
        [
          "value": .string("\(ben)"),
          "$ref": .string("https://app.example.com/api/v2/scim/Users/\(ben)"), "type": "User",
        ],
      ])
  }

  @Test("No members are written as an empty array; members that were not read are omitted")
  func rows() throws {
    let group = EdgeBuilder.group("Data team")
    #expect(try written(.group, FoundResource(resource: group, rows: []))["members"] == [])
    #expect(try written(.group, FoundResource(resource: group, rows: nil))["members"] == nil)
  }

  @Test("Any text is escaped as a JSON string", arguments: ["", "a\"b\\c", "\n\r\t\u{1}\u{1F}", "Zoë 🎈"])
  func strings(_ text: String) throws {
    var buffer = ByteBuffer()
    buffer.writeJSONString(text)
    #expect(try JSON(parsing: Array(buffer.readableBytesView), limits: JSONLimits(depth: 1)) == .string(text))
  }

  private func written(_ kind: ResourceKind, _ found: FoundResource) throws -> JSONObject {
    var buffer = ByteBuffer()
    ResourceWriter(kind: kind, base: Self.base).write(found, into: &buffer)
    return try #require(try JSON(parsing: Array(buffer.readableBytesView)).object)
  }
}
