import Testing

@testable import ScimctlCommands

@Suite("scimctl user export")
struct UserExportTests {
  private func isComplete(_ parts: String...) -> Bool {
    var lines = ExportLines()
    for part in parts { lines.read(Array(part.utf8)) }
    return lines.isComplete
  }

  @Test("An export is complete if its last line is the end, however it arrives")
  func complete() {
    #expect(isComplete("{\"type\":\"member\",\"data\":{}}\n{\"type\":\"end\",\"counts\":{}}\n"))
    #expect(isComplete("{\"type\":\"member\",\"data\":{}}\n{\"type\":\"en", "d\",\"counts\":{}}", "\n"))
  }

  @Test("A truncated export is recognised")
  func truncated() {
    #expect(!isComplete())
    #expect(!isComplete("{\"type\":\"member\",\"data\":{}}\n"))
    #expect(!isComplete("{\"type\":\"end\",\"counts\":{}}"))
    #expect(!isComplete("{\"type\":\"end\",\"counts\":{}}\n{\"type\""))
  }
}

@Suite("scimctl user erase")
struct UserEraseTests {
  @Test("It needs the id of a user, and a confirmation")
  func confirmation() throws {
    let id = "01997b5e-7a00-7a01-8d3e-0a52e1d6b9f1"
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["user", "erase", id]) }
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["user", "erase", "ana@example.com", "--yes"]) }
    let command = try #require(try Scimctl.parseAsRoot(["user", "erase", id, "--yes"]) as? EraseUser)
    #expect(command.id == id)
  }

  @Test("It prints what was erased in each schema, and what remains on topics")
  func result() {
    let status = ErasureStatus(
      finishedAt: "2026-01-31T09:30:00.000Z", problem: nil,
      erased: ["mailer": ["invitations": 2], "identity": ["requests": 3, "auditEntries": 1]],
      topicRetention: "Messages remain.")
    #expect(status.lines == ["identity auditEntries: 1", "identity requests: 3", "mailer invitations: 2", "Messages remain."])
  }
}
