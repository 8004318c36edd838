import EdgeHTTP
import Foundation
import Models
import Testing

@testable import ManagementAPI

@Suite("Files of accounts")
struct AccountFileTests {
  private func read(_ text: String, parts: Int = 1) -> AccountFile {
    var file = AccountFile()
    let bytes = Array(text.utf8)
    let size = max(1, (bytes.count + parts - 1) / parts)
    for start in stride(from: 0, to: bytes.count, by: size) { file.append(bytes[start..<min(start + size, bytes.count)]) }
    file.finish()
    return file
  }

  private static let text = """
    {"id":"1","email":"Ana@acme.example"}\r
    \u{20}
    {"id":"2","email":"ben@acme.example","externalId":"x","state":"disabled"}
    {"id":"3","state":"deleted"}
    """

  @Test("Accounts are read in whatever parts they arrive; blank lines count as lines only", arguments: [1, 3, 40, 1000])
  func parts(parts: Int) {
    var file = read("\u{FEFF}" + Self.text, parts: parts)
    #expect(file.errors.isEmpty, "\(file.errors)")
    #expect(file.count == 3)
    #expect(
      file.takeLines() == [
        .init(number: 1, account: ImportedAccount(id: "1", email: "Ana@acme.example")),
        .init(number: 3, account: ImportedAccount(id: "2", email: "ben@acme.example", externalID: "x", state: .disabled)),
        .init(number: 4, account: ImportedAccount(id: "3", email: "", state: .deleted)),
      ])
    #expect(file.lines.isEmpty)
  }

  @Test(
    "Each malformed line is reported with its number and what was expected",
    arguments: [
      (#"{"id":"1""#, "not JSON"), ("[]", "JSON object"), (#"{"email":"a@b.example"}"#, "id is missing"),
      (#"{"id":"1"}"#, "email is missing"),
      (#"{"id":1,"email":"a@b.example"}"#, "string"), (#"{"id":"","email":"a@b.example"}"#, "1 to"),
      (#"{"id":"1","email":"nobody"}"#, "address"), (#"{"id":"1","email":"a b@c.example"}"#, "address"),
      (#"{"id":"1","email":"a@b.example","state":"gone"}"#, "active, disabled, deleted"),
      (#"{"id":"1","email":"a@b.example","mail":"x"}"#, "'mail' is not known"),
      (#"{"id":"1","email":"a@b.example","externalId":""}"#, "externalId"),
      (#"{"id":"\u0000","email":"a@b.example"}"#, "U+0000"),
    ])
  func malformed(line: String, expected: String) {
    let file = read(#"{"id":"ok","email":"ok@b.example"}"# + "\n" + line + "\n")
    #expect(file.errors.count == 1)
    #expect(file.errors.first?.place == .line(2))
    #expect(file.errors.first?.detail.contains(expected) == true, "\(file.errors)")
  }

  @Test("Duplicates within the file are reported with the line of the first one")
  func duplicates() {
    let file = read(
      """
      {"id":"1","email":"ana@acme.example","externalId":"x"}
      {"id":"1","email":"b@acme.example"}
      {"id":"2","email":" ANA@acme.example"}
      {"id":"3","email":"ANA@acme.example"}
      {"id":"4","email":"c@acme.example","externalId":"x"}
      """)
    #expect(file.errors.map(\.place) == [.line(2), .line(3), .line(4), .line(5)])
    #expect(file.errors.filter { $0.detail.contains("Line 1 has") }.count == 3, "\(file.errors)")
  }

  @Test("A line beyond the limit is reported without being kept, and reading goes on behind it")
  func longLine() {
    let long = #"{"id":"1","email":"a@b.example","x":""# + String(repeating: "x", count: AccountFile.maximumLine) + #""}"#
    let file = read(long + "\n" + #"{"id":"2","email":"b@b.example"}"#, parts: 7)
    #expect(file.errors.map(\.place) == [.line(1)])
    #expect(file.lines.map(\.number) == [2])
  }

  @Test("Reading ends after as many errors as a response has, and an import is bounded")
  func bounds() {
    let wrong = read(String(repeating: "x\n", count: ProblemDetails.maximumErrors + 50))
    #expect(wrong.errors.count == ProblemDetails.maximumErrors && wrong.hasTooManyErrors)
    let lines = (0...AccountStaging.maximumImport).map { #"{"id":"\#($0)","email":"\#($0)@a.example"}"# }.joined(separator: "\n")
    let large = read(lines, parts: 100)
    #expect(large.errors.map(\.place) == [.line(AccountStaging.maximumImport + 1)])
  }
}
