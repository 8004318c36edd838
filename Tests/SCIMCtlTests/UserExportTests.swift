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
