import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import NIOCore

/// A resource with more rows than are held at once, written as they are read: memory stays flat however large the group is, and the
/// database is read no faster than the client takes the answer.
struct StreamedResourceBody: Sendable {
  let form: ResponseFormat
  let reads: any ResourceReads
  let workspace: WorkspaceID

  /// Writes the whole resource and returns its bytes.
  ///
  /// - Throws: Where the database or the client fails in the middle, which ends the connection: the client sees a body cut off.
  @discardableResult
  func write(_ id: ResourceID, to writer: inout any ResponseBodyWriter) async throws -> Int {
    var isFirst = true
    var bytes = 2
    for try await part in reads.parts(of: form.kind, id, in: workspace) {
      switch part {
      case .resource(let resource):
        let opening = try form.opening(of: resource)
        bytes += opening.readableBytes
        try await writer.write(opening)
      case .rows(let rows):
        if !isFirst { try await writer.write(ByteBuffer(string: ",")) }
        isFirst = false
        let text = try form.text(of: rows)
        bytes += text.readableBytes + 1
        try await writer.write(text)
      }
    }
    try await writer.write(ByteBuffer(string: "]}"))
    return bytes
  }
}
