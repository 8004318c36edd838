import Foundation
import Primitives
import Testing

@Suite("Prefixes of UUIDs")
struct UUIDPrefixTests {
  @Test("A complete UUID is its own prefix; a part of one stands for a range")
  func completeness() throws {
    let id = UUID()
    let complete = try #require(UUIDPrefix(id.uuidString))
    #expect(complete.uuid == id && complete.lowest == id && complete.text == id.uuidString.lowercased())
    let part = try #require(UUIDPrefix(String(complete.text.dropLast())))
    #expect(part.uuid == nil && part.lowest != part.highest)
  }

  @Test("Other text is no prefix", arguments: ["", "01a", "01ag", "01a2-", "01a20c81x", "01a20c81-88e4-70cf-96ab-3557f78b99c01"])
  func others(text: String) {
    #expect(UUIDPrefix(text) == nil)
  }
}
