import Foundation
import Models
import SCIM
import SCIMStorage
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Cursors (RFC 9865)")
struct CursorTests {
  private let seal = CursorSeal(secret: "secret", lifetime: 60)
  private let workspace = WorkspaceID.made(at: Date())
  private let now = Date(timeIntervalSince1970: 1_767_225_600)

  @Test(
    "A cursor is opened with the values that it was sealed with",
    arguments: [nil, "", "ana@example.com", "2026-01-01 00:00:00.000123+00", "\u{1F600}"])
  func roundTrip(key: String?) throws {
    for kind in ResourceKind.allCases {
      for isForward in [true, false] {
        let cursor = Cursor(place: CursorPosition(key: key, kind: kind, id: .made(at: now), isForward: isForward), total: 100_000)
        let text = seal.text(of: cursor, for: "list", in: workspace, at: now)
        #expect(text.utf8.allSatisfy { byte in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8.contains(byte) })
        #expect(try seal.cursor(text, for: "list", in: workspace, at: now + 59) == cursor)
        // Every other replica accepts it as well.
        #expect(try CursorSeal(secret: "secret", lifetime: 60).cursor(text, for: "list", in: workspace, at: now) == cursor)
      }
    }
  }

  @Test("A cursor of another query, workspace or secret, or a modified one, is invalid; an old one has expired")
  func refused() throws {
    let cursor = Cursor(place: CursorPosition(key: "a", kind: .user, id: .made(at: now)), total: 5)
    let text = seal.text(of: cursor, for: "list", in: workspace, at: now)
    func type(_ text: String, _ list: String = "list", _ workspace: WorkspaceID? = nil, seal: CursorSeal? = nil, at time: Date? = nil)
      -> SCIMErrorType?
    {
      #expect(throws: APIError.self) {
        try (seal ?? self.seal).cursor(text, for: list, in: workspace ?? self.workspace, at: time ?? now)
      }?.error.scimType
    }
    #expect(type(text, "another") == .invalidCursor)
    #expect(type(text, "list", .made(at: Date())) == .invalidCursor)
    #expect(type(text, seal: CursorSeal(secret: "another", lifetime: 60)) == .invalidCursor)
    #expect(type(text, seal: CursorSeal(secret: nil, lifetime: 60)) == .invalidCursor)
    #expect(type(text, at: now + 60) == .expiredCursor)
    for text in ["x", "nonsense", String(text.dropLast(4)), text + "AAAA", "\u{FFFD}", String(repeating: "A", count: 100)] {
      #expect(type(text) == .invalidCursor)
    }
    let characters = Array(text)
    for index in characters.indices {
      var changed = characters
      changed[index] = changed[index] == "A" ? "Q" : "A"
      if let back = try? seal.cursor(String(changed), for: "list", in: workspace, at: now) {
        Issue.record("changed at \(index) it is valid as \(back)")
      }
    }
  }
}
