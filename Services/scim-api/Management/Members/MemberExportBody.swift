import EdgeHTTP
import EdgeReads
import Hummingbird
import NIOCore

/// The streamed body of an export: a line of JSON for each thing that is known about a member. The last line counts them by type, so that a client
/// recognises a truncated response.
struct MemberExportBody: Sendable {
  let export: MemberExport
  /// The first page, which has been read to know that there is something.
  let first: MemberExport.Page

  /// Newline-delimited JSON.
  static let mediaType = "application/x-ndjson"

  /// The maximum time for an export, which occupies a connection to the database.
  private static let timeLimit = Duration.seconds(300)

  /// The client took longer than the time limit.
  struct TooSlow: Error, CustomStringConvertible {
    var description: String { "the client has not read the export within \(timeLimit)" }
  }

  /// Writes all lines.
  ///
  /// - Throws: the error of the database or the connection, or ``TooSlow``. It closes the connection, so the client sees a truncated body.
  func write(to writer: inout any ResponseBodyWriter) async throws {
    let deadline = ContinuousClock.now + Self.timeLimit
    var totals: [String] = []
    for section in MemberExport.Section.allCases {
      var page = section == .member ? first : try await export.page(of: section, after: nil)
      var count = page.rows.count
      try await writer.write(Self.lines(page, of: section))
      while let next = page.next {
        guard .now < deadline else { throw TooSlow() }
        page = try await export.page(of: section, after: next)
        count += page.rows.count
        try await writer.write(Self.lines(page, of: section))
      }
      totals.append("\"\(section.rawValue)\":\(count)")
    }
    try await writer.write(ByteBuffer(string: "{\"type\":\"end\",\"counts\":{\(totals.joined(separator: ","))}}\n"))
  }

  /// The lines of a page.
  static func lines(_ page: MemberExport.Page, of section: MemberExport.Section) -> ByteBuffer {
    var buffer = ByteBuffer()
    for row in page.rows {
      buffer.writeString("{\"type\":\"\(section.rawValue)\",\"data\":")
      // Line ends occur between the tokens of JSON only.
      buffer.writeBytes(row.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 })
      buffer.writeString("}\n")
    }
    return buffer
  }
}
