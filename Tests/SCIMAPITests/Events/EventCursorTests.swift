import EdgeReads
import Foundation
import Models
import Primitives
import Testing

@Suite("Event cursors")
struct EventCursorTests {
  private static let workspace = WorkspaceID.made(at: Date())

  @Test("keep everything that is needed to continue", arguments: [EventScope.deployment, .workspace(workspace)], [0, 1, Int64.max])
  func roundTrip(scope: EventScope, number: Int64) throws {
    let cursor = EventCursor(epoch: UUID(), scope: scope, number: number, storedSince: Date(timeIntervalSince1970: 1_767_225_600 + 50_000))
    let read = try #require(EventCursor(cursor.text))
    #expect(read.epoch == cursor.epoch)
    #expect(read.scope == scope)
    #expect(read.number == number)
    // The day, which selects partitions.
    #expect(read.storedSince == Date(timeIntervalSince1970: 1_767_225_600))
    #expect(cursor.text.utf8.allSatisfy { Base64URL.isInAlphabet($0) })
  }

  @Test("are rejected if they are truncated, edited or made up")
  func malformed() {
    let cursor = EventCursor(epoch: UUID(), scope: .workspace(Self.workspace), number: 42, storedSince: Date())
    let text = cursor.text
    for length in 0..<text.count { #expect(EventCursor(String(text.prefix(length))) == nil) }
    for position in 0..<text.count {
      var edited = Array(text)
      edited[position] = edited[position] == "A" ? "B" : "A"
      #expect(EventCursor(String(edited)) == nil, "\(String(edited))")
    }
    for other in [text + "A", text + "=", text + text, " \(text)", "latest", "42", String(repeating: "A", count: 5000)] {
      #expect(EventCursor(other) == nil)
    }
  }
}
