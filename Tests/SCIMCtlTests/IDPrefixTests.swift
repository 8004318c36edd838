import Foundation
import Models
import Primitives
import Testing

@testable import ScimctlCommands

@Suite("Prefixes of ids")
struct IDPrefixTests {
  @Test(
    "A prefix covers all ids that start with it, in either case",
    arguments: [
      ("019f", "019f0000-0000-0000-0000-000000000000", "019fffff-ffff-ffff-ffff-ffffffffffff"),
      ("019F0a1b", "019f0a1b-0000-0000-0000-000000000000", "019f0a1b-ffff-ffff-ffff-ffffffffffff"),
      ("019f0a1b-", "019f0a1b-0000-0000-0000-000000000000", "019f0a1b-ffff-ffff-ffff-ffffffffffff"),
      ("019f0a1b-2c3d-7", "019f0a1b-2c3d-7000-0000-000000000000", "019f0a1b-2c3d-7fff-ffff-ffffffffffff"),
      ("019f0a1b-2c3d-7e4f-8a9b-0123456789ab", "019f0a1b-2c3d-7e4f-8a9b-0123456789ab", "019f0a1b-2c3d-7e4f-8a9b-0123456789ab"),
    ])
  func range(_ text: String, _ lowest: String, _ highest: String) throws {
    let prefix = try #require(IDPrefix(argument: text))
    #expect(UUIDText.text(prefix.lowest) == lowest)
    #expect(UUIDText.text(prefix.highest) == highest)
  }

  @Test(
    "Text that no id starts with is rejected",
    arguments: ["", "019", "019f0a1b2", "019-", "ana@example.com", "019g", "019f0a1b-2c3d-7e4f-8a9b-0123456789abc", "٠١٩٩"])
  func malformed(_ text: String) {
    #expect(IDPrefix(argument: text) == nil)
  }

  @Test("A prefix must match exactly one id")
  func uniqueness() throws {
    let ids = (0..<7).map { UserID(bytes: [1, UInt8($0)]).uuid }
    #expect(try IDPrefix.only(of: [ids[0]], "0100", "entry", list: "scimctl log tail", in: "acme") == ids[0])
    let none = try #require(throws: ScimctlError.self) {
      try IDPrefix.only(of: [], "0100", "entry", list: "scimctl log tail", in: "acme")
    }
    #expect(none.status == .notFound && none.message.contains("acme has no entry") && none.message.contains("scimctl log tail"))
    let several = try #require(throws: ScimctlError.self) {
      try IDPrefix.only(of: Array(ids.prefix(6)), "01", "entry", list: "scimctl log tail", in: "acme")
    }
    #expect(several.status == .usage && several.message.contains(UUIDText.text(ids[4])) && !several.message.contains(UUIDText.text(ids[5])))
    #expect(several.message.contains("Enter more of the id"))
  }
}
