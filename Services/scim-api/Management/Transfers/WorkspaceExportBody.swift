import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import Primitives
import SCIM
import SCIMStorage

/// The streamed body of a workspace's export: lines of JSON. The first line has the version of the format, the last one counts and a checksum.
struct WorkspaceExportBody: Sendable {
  let workspace: DetailedWorkspace
  let export: WorkspaceExport

  /// The maximum time for an export, which occupies a connection to the database.
  private static let timeLimit = Duration.seconds(900)

  /// The client took longer than the time limit.
  struct TooSlow: Error, CustomStringConvertible {
    var description: String { "the client has not read the export within \(timeLimit)" }
  }

  /// Writes all lines.
  ///
  /// - Throws: the error of the database or the connection, or ``TooSlow``. It closes the connection, so the client sees a truncated body.
  func write(to writer: inout any ResponseBodyWriter, at now: Date) async throws {
    let deadline = ContinuousClock.now + Self.timeLimit
    var digest = SHA256()
    var (lines, counts) = (Int64(1), JSONObject())
    let head: JSONObject = [
      "type": .string(WorkspaceFile.headType), "version": .integer(WorkspaceFile.version), "id": .id(workspace.id),
      "slug": .string(workspace.settings.slug), "exportedAt": .time(now),
    ]
    let first = head.serialized() + [UInt8(ascii: "\n")]
    digest.update(data: first)
    try await writer.write(ByteBuffer(bytes: first))
    for kind in WorkspaceRecordLine.Kind.allCases {
      var (count, place) = (Int64(0), String?.none)
      repeat {
        guard .now < deadline else { throw TooSlow() }
        let page = try await export.page(of: kind, after: place)
        let bytes = Self.lines(page, of: kind)
        digest.update(data: bytes)
        if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
        count += Int64(page.rows.count)
        place = page.next
      } while place != nil
      lines += count
      counts[kind.rawValue] = .integer(count)
    }
    let last: JSONObject = [
      "type": .string(WorkspaceFile.endType), "lines": .integer(lines), "counts": .object(counts),
      "sha256": .string(Hex.encode(digest.finalize())),
    ]
    try await writer.write(ByteBuffer(bytes: last.serialized() + [UInt8(ascii: "\n")]))
  }

  /// The lines of a page. Line ends occur between the tokens of JSON only.
  private static func lines(_ page: WorkspaceExport.Page, of kind: WorkspaceRecordLine.Kind) -> [UInt8] {
    var bytes: [UInt8] = []
    for row in page.rows {
      bytes += Array("{\"type\":\"\(kind.rawValue)\",\"data\":".utf8)
      for byte in row { bytes.append(byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") ? UInt8(ascii: " ") : byte) }
      bytes += Array("}\n".utf8)
    }
    return bytes
  }
}
