import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import ServiceLifecycle

/// The streamed body of a snapshot: a line of JSON for each member, group and visible membership.
///
/// The first line has the cursor to continue from; the last line has it again, with the number of lines of each type, so that a client recognises a
/// truncated response. Rows are read and written in pages: memory is constant whatever the size of the directory.
struct SnapshotBody: Sendable {
  let snapshot: any DirectorySnapshot

  /// Newline-delimited JSON.
  static let mediaType = "application/x-ndjson"

  /// The maximum time for a snapshot. While it is open, PostgreSQL keeps all rows that were changed meanwhile.
  private static let timeLimit = Duration.seconds(900)
  /// The same from the moment at which the process shuts down. The client starts again with another process.
  private static let timeLimitAtShutdown = Duration.seconds(10)

  /// The client took longer than the time limit.
  struct TooSlow: Error, CustomStringConvertible {
    var description: String { "the client has not read the snapshot within \(timeLimit), or before the process had to end" }
  }

  /// Writes all lines.
  ///
  /// - Throws: the error of the database or the connection, or ``TooSlow``. It closes the connection, so the client sees a truncated body.
  func write(to writer: inout any ResponseBodyWriter) async throws {
    var deadline = ContinuousClock.now + Self.timeLimit
    var isShuttingDown = false
    let cursor = snapshot.cursor.text
    let time = Timestamp.text(snapshot.takenAt)
    try await writer.write(ByteBuffer(string: "{\"type\":\"snapshot\",\"cursor\":\"\(cursor)\",\"time\":\"\(time)\"}\n"))
    var counts: [SnapshotPart: Int] = [:]
    for part in SnapshotPart.allCases {
      var last: SnapshotItem?
      while true {
        if Task.isShuttingDownGracefully, !isShuttingDown {
          isShuttingDown = true
          deadline = min(deadline, .now + Self.timeLimitAtShutdown)
        }
        guard .now < deadline else { throw TooSlow() }
        let items = try await snapshot.page(of: part, after: last)
        guard let end = items.last else { break }
        last = end
        counts[part, default: 0] += items.count
        try await writer.write(try Self.lines(items))
      }
    }
    let totals = SnapshotPart.allCases.map { "\"\($0.rawValue)\":\(counts[$0] ?? 0)" }.joined(separator: ",")
    try await writer.write(ByteBuffer(string: "{\"type\":\"end\",\"cursor\":\"\(cursor)\",\(totals)}\n"))
  }

  private static func lines(_ items: [SnapshotItem]) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(items.count * 160)
    for item in items {
      switch item.content {
      case .member(let json):
        buffer.writeOpening("member", of: item.workspace)
        buffer.writeString("\"member\":")
        buffer.writeBytes(json)
      case .group(let group):
        buffer.writeOpening("group", of: item.workspace)
        buffer.writeString("\"group\":")
        buffer.writeBytes(try JSONData.encode(group))
      case .membership(let member):
        buffer.writeOpening("membership", of: item.workspace)
        buffer.writeString("\"group\":\"")
        buffer.writeID(item.id.uuid)
        buffer.writeString("\",\"member\":\"")
        buffer.writeID(member.uuid)
        buffer.writeString("\"")
      }
      buffer.writeString("}\n")
    }
    return buffer
  }
}

extension ByteBuffer {
  fileprivate mutating func writeOpening(_ type: String, of workspace: WorkspaceID) {
    writeString("{\"type\":\"\(type)\",\"workspace\":\"")
    writeID(workspace.uuid)
    writeString("\",")
  }
}
