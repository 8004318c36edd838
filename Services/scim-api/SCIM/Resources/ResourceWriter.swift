import EdgeHTTP
import EdgeReads
import Models
import NIOCore
import Primitives
import SCIMStorage

/// Writes stored resources as JSON: the stored document, which lacks its closing braces, then the rest of `meta`, which depends on the
/// version and on the host of the request, then the rows.
struct ResourceWriter: Sendable {
  let kind: ResourceKind
  private let base: BaseURL
  /// The JSON string with the location of a resource, without the id and the closing quote.
  private let location: [UInt8]

  init(kind: ResourceKind, base: BaseURL) {
    self.kind = kind
    self.base = base
    location = Self.locationPrefix(kind, base)
  }

  private static func locationPrefix(_ kind: ResourceKind, _ base: BaseURL) -> [UInt8] {
    var literal: [UInt8] = []
    JSONEscaping.append(base.location(kind, ""), to: &literal)
    literal.removeLast()
    return literal
  }

  func write(_ found: FoundResource, into buffer: inout ByteBuffer) {
    let resource = found.resource
    buffer.writeBytes(resource.document)
    buffer.writeStaticString(",\"lastModified\":\"")
    buffer.writeString(Timestamp.text(resource.modifiedAt))
    buffer.writeStaticString("\",\"version\":\"W/\\\"")
    buffer.writeString(String(resource.version))
    buffer.writeStaticString("\\\"\",\"location\":")
    buffer.writeBytes(location)
    buffer.writeID(resource.id.uuid)
    buffer.writeStaticString("\"}")
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
    guard !rows.isEmpty else { return }
    // References differ in the id only.
    let reference = Array("\",\"$ref\":".utf8) + Self.locationPrefix(kind.referred, base)
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
