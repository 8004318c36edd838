import Hummingbird
import Models
import NIOCore

/// A resource with more rows than are held at once, written as they are read: memory stays flat however large the group is, and the
/// database is read no faster than the client takes the answer.
struct PartedBody: Sendable {
  let form: AnswerForm
  let reads: any ResourceReads
  let workspace: WorkspaceID

  /// Writes the whole resource.
  ///
  /// - Throws: Where the database or the client fails in the middle, which ends the connection: the client sees a body cut off.
  func write(_ id: ResourceID, to writer: inout any ResponseBodyWriter) async throws {
    var isFirst = true
    for try await part in reads.parts(of: form.kind, id, in: workspace) {
      switch part {
      case .resource(let resource):
        try await writer.write(try form.opening(of: resource))
      case .rows(let rows):
        if !isFirst { try await writer.write(ByteBuffer(string: ",")) }
        isFirst = false
        try await writer.write(try form.text(of: rows))
      }
    }
    try await writer.write(ByteBuffer(string: "]}"))
  }
}
