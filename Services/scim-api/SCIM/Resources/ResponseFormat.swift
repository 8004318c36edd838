import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import SCIM
import SCIMStorage

/// How a request wants the resources in its answer: with which attributes, under which URL, as which media type.
struct ResponseFormat: Sendable {
  let kind: ResourceKind
  let base: BaseURL
  let schema: ResourceSchema
  let projection: Projection
  /// Whether the request names the attributes it wants.
  let namesAttributes: Bool
  let mediaType: String

  /// - Throws: 400 where the query cannot be understood.
  init(_ kind: ResourceKind, of request: Request, in context: CallerContext) throws {
    self.kind = kind
    base = context.base
    schema = kind.schema(in: context.caller.schemas)
    let parameters = try QueryParameters(request.uri.query)
    namesAttributes = parameters["attributes"] != nil
    projection = try Projection(
      attributes: parameters["attributes"], excluded: parameters["excludedAttributes"], schema: schema)
    mediaType = MediaType.ofAnswer(accept: request.headers[.accept])
  }

  /// - Parameters:
  ///   - attributes: The names of the attributes that are asked for; empty for those that are returned by default.
  ///   - excluded: The names of the attributes that are not wanted.
  /// - Throws: 400 where both are given.
  init(
    _ kind: ResourceKind, base: BaseURL, attributes: [String], excluded: [String], for caller: Caller, mediaType: String
  ) throws(SCIMError) {
    self.kind = kind
    self.base = base
    self.mediaType = mediaType
    schema = kind.schema(in: caller.schemas)
    namesAttributes = !attributes.isEmpty
    projection = try Projection(attributes: attributes, excluded: excluded, schema: schema)
  }

  /// Whether the attribute that is kept as rows is wanted.
  var wantsRows: Bool { projection.includes(kind.rowAttribute) }

  /// Where the resource is and which version it has, beside a representation of it: `Content-Location` and `ETag` are what `meta.location`
  /// and `meta.version` are (RFC 7643 §3.1), `Location` is as in the examples of RFC 7644.
  func headers(of resource: StoredResource) -> HTTPFields {
    let location = base.location(kind, resource.id.description)
    return [.eTag: ResourceWriter.entityTag(resource.version), .location: location, .contentLocation: location]
  }

  /// The resource as it is sent.
  func body(of found: FoundResource) throws -> ByteBuffer {
    if projection.isWhole { return text(of: found) }
    return ByteBuffer(bytes: projection.apply(to: try whole(found)).serialized())
  }

  /// The answer with one resource; one with more rows than were read is read again as it is written.
  func response(
    _ status: HTTPResponse.Status, with found: FoundResource, from reads: any ResourceReads, in workspace: WorkspaceID,
    headers: HTTPFields
  ) throws -> Response {
    guard found.hasMoreRows else { return .json(status, try body(of: found), mediaType: mediaType, headers: headers) }
    let parts = StreamedResourceBody(form: self, reads: reads, workspace: workspace)
    let body = ResponseBody { writer in
      try await parts.write(found.resource.id, to: &writer)
      try await writer.finish(nil)
    }
    return .json(status, body, mediaType: mediaType, headers: headers)
  }

  /// The resource without its rows and open at the end, so that they can follow.
  func opening(of resource: StoredResource) throws -> ByteBuffer {
    let whole = try body(of: FoundResource(resource: resource, rows: nil))
    var buffer = ByteBuffer(bytes: whole.readableBytesView.dropLast())
    ResourceWriter(kind: kind, base: base).openRows(in: &buffer)
    return buffer
  }

  /// Rows with commas between them.
  func text(of rows: [ReferredResource]) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(rows.count * 256)
    ResourceWriter(kind: kind, base: base).write(rows, into: &buffer)
    guard !projection.isWhole else { return buffer }
    let array = try JSON(parsing: Array("[".utf8) + buffer.readableBytesView + Array("]".utf8))
    let all: JSONObject = [kind.rowAttribute: array]
    let chosen = projection.apply(to: all)[kind.rowAttribute] ?? .array([])
    return ByteBuffer(bytes: chosen.serialized().dropFirst().dropLast())
  }

  /// Every attribute that was read.
  func whole(_ found: FoundResource) throws(JSONSyntaxError) -> JSONObject {
    let json = try JSON(parsing: Array(text(of: found).readableBytesView))
    return json.object ?? JSONObject()
  }

  private func text(of found: FoundResource) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(found.resource.document.count + 256 + (found.rows?.count ?? 0) * 256)
    ResourceWriter(kind: kind, base: base).write(found, into: &buffer)
    return buffer
  }
}
