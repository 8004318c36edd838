import EdgeHTTP
import EdgeReads
import Models
import NIOCore
import SCIMStorage

/// Writes stored resources as JSON: the stored document, which lacks its closing braces, then the rest of `meta`, which depends on the
/// version and on the host of the request, then the rows.
struct ResourceWriter: Sendable {
  let kind: ResourceKind
  let base: BaseURL

  func write(_ found: FoundResource, into buffer: inout ByteBuffer) {
    let resource = found.resource
    buffer.writeBytes(resource.document)
    buffer.writeStaticString(",\"lastModified\":\"")
    buffer.writeString(Timestamp.text(resource.modifiedAt))
    buffer.writeStaticString("\",\"version\":\"W/\\\"")
    buffer.writeString(String(resource.version))
    buffer.writeStaticString("\\\"\",\"location\":")
    buffer.writeJSONString(base.location(kind, resource.id.description))
    buffer.writeStaticString("}")
    if let rows = found.rows {
      openRows(in: &buffer)
      write(rows, into: &buffer)
      buffer.writeStaticString("]")
    }
    buffer.writeStaticString("}")
  }

  /// Opens the array `groups` of a user (RFC 7643 §4.1.2) or `members` of a group (§4.2), after the other attributes.
  func openRows(in buffer: inout ByteBuffer) {
    buffer.writeStaticString(",\"")
    buffer.writeString(kind.rowAttribute)
    buffer.writeStaticString("\":[")
  }

  /// Writes rows, separated by commas.
  func write(_ rows: [ReferredResource], into buffer: inout ByteBuffer) {
    // References differ in the id only.
    var before = ByteBuffer()
    before.writeStaticString("\",\"$ref\":")
    before.writeJSONString(base.location(kind.referred, ""))
    let reference = before.readableBytesView.dropLast()
    for (index, row) in rows.enumerated() {
      if index > 0 { buffer.writeStaticString(",") }
      buffer.writeStaticString("{\"value\":\"")
      buffer.writeID(row.id.uuid)
      buffer.writeBytes(reference)
      buffer.writeID(row.id.uuid)
      buffer.writeStaticString("\"")
      if let display = row.display {
        buffer.writeStaticString(",\"display\":")
        buffer.writeJSONString(display)
      }
      if kind == .group { buffer.writeStaticString(",\"type\":\"User\"") }
      buffer.writeStaticString("}")
    }
  }

  /// The entity tag of a version (RFC 7644 §3.14). It is weak, since representations of one version may differ in bytes.
  static func entityTag(_ version: Int64) -> String { "W/\"\(version)\"" }
}
