import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import NIOCore

/// The streamed response body of a resource with many rows.
///
/// Rows are read and written in pages: memory is constant whatever the size of the group, and the client's pace limits the database reads.
struct StreamedResourceBody: Sendable {
  let format: ResponseFormat
  let reads: any ResourceReads
  let workspace: WorkspaceID

  /// Writes the resource with all rows and returns its size in bytes.
  ///
  /// - Throws: the error of the database or the connection. It closes the connection, so the client sees a truncated body.
  @discardableResult
  func write(_ id: ResourceID, to writer: inout any ResponseBodyWriter) async throws -> Int {
    var isFirst = true
    var bytes = 2
    for try await part in reads.parts(of: format.kind, id, in: workspace) {
      switch part {
      case .resource(let resource):
        let opening = try format.opening(of: resource)
        bytes += opening.readableBytes
        try await writer.write(opening)
      case .rows(let rows):
        if !isFirst { try await writer.write(ByteBuffer(string: ",")) }
        isFirst = false
        let text = try format.text(of: rows)
        bytes += text.readableBytes + 1
        try await writer.write(text)
      }
    }
    try await writer.write(ByteBuffer(string: "]}"))
    return bytes
  }
}
