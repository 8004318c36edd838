import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import SCIM
import SCIMStorage

/// The format of the resources in a response: the requested attributes, the base URL and the media type.
struct ResponseFormat: Sendable {
  let kind: ResourceKind
  let base: BaseURL
  let schema: ResourceSchema
  let projection: Projection
  /// Whether the request has the parameter `attributes`.
  let namesAttributes: Bool
  let mediaType: String
  private let writer: ResourceWriter

  /// Reads the format from the query and the headers of a request.
  ///
  /// - Throws: 400 if the query is invalid.
  init(_ kind: ResourceKind, of request: Request, in context: CallerContext) throws {
    self.kind = kind
    base = context.base
    schema = kind.schema(in: context.caller.schemas)
    let parameters = try QueryParameters(request.uri.query)
    namesAttributes = parameters["attributes"] != nil
    projection = try Projection(
      attributes: parameters["attributes"], excluded: parameters["excludedAttributes"], schema: schema)
    mediaType = MediaType.ofAnswer(accept: request.headers[.accept])
    writer = ResourceWriter(kind: kind, base: base)
  }

  /// - Parameters:
  ///   - attributes: the names of the requested attributes; empty for the default ones.
  ///   - excluded: the names of the excluded attributes.
  /// - Throws: 400 if both are given.
  init(
    _ kind: ResourceKind, base: BaseURL, attributes: [String], excluded: [String], for caller: Caller, mediaType: String
  ) throws(SCIMError) {
    self.kind = kind
    self.base = base
    self.mediaType = mediaType
    writer = ResourceWriter(kind: kind, base: base)
    schema = kind.schema(in: caller.schemas)
    namesAttributes = !attributes.isEmpty
    projection = try Projection(attributes: attributes, excluded: excluded, schema: schema)
  }

  /// Whether the response includes the attribute that is stored as rows.
  var includesRows: Bool { projection.includes(kind.rowAttribute) }

  /// The headers `ETag`, `Location` and `Content-Location` of a response with the resource.
  ///
  /// `ETag` and `Content-Location` equal `meta.version` and `meta.location` (RFC 7643 §3.1). `Location` is as in the examples of RFC 7644.
  func headers(of resource: StoredResource) -> HTTPFields {
    let location = base.location(kind, resource.id.description)
    return [.eTag: ResourceWriter.entityTag(resource.version), .location: location, .contentLocation: location]
  }

  /// The JSON of a resource with the requested attributes.
  func body(of found: FoundResource) throws -> ByteBuffer {
    if projection.isWhole { return text(of: found) }
    return ByteBuffer(bytes: projection.apply(to: try object(of: found)).serialized())
  }

  /// A response with one resource. A resource with more rows than were read is read again and streamed.
  func response(
    _ status: HTTPResponse.Status, with found: FoundResource, from reads: any ResourceReads, in workspace: WorkspaceID,
    headers: HTTPFields
  ) throws -> Response {
    guard found.hasMoreRows else { return .json(status, try body(of: found), mediaType: mediaType, headers: headers) }
    let stream = StreamedResourceBody(format: self, reads: reads, workspace: workspace)
    let body = ResponseBody { writer in
      try await stream.write(found.resource.id, to: &writer)
      try await writer.finish(nil)
    }
    return .json(status, body, mediaType: mediaType, headers: headers)
  }

  /// The JSON of a resource up to and including the opening bracket of its rows, so that rows can follow.
  func opening(of resource: StoredResource) throws -> ByteBuffer {
    let json = try body(of: FoundResource(resource: resource, rows: nil))
    var buffer = ByteBuffer(bytes: json.readableBytesView.dropLast())
    writer.openRows(in: &buffer)
    return buffer
  }

  /// The JSON of rows, separated by commas.
  func text(of rows: [ReferredResource]) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(rows.count * 256)
    writer.write(rows, into: &buffer)
    guard !projection.isWhole else { return buffer }
    let array = try JSON(parsing: Array("[".utf8) + buffer.readableBytesView + Array("]".utf8))
    let all: JSONObject = [kind.rowAttribute: array]
    let chosen = projection.apply(to: all)[kind.rowAttribute] ?? .array([])
    return ByteBuffer(bytes: chosen.serialized().dropFirst().dropLast())
  }

  /// The resource with all attributes that were read.
  func object(of found: FoundResource) throws(JSONSyntaxError) -> JSONObject {
    let json = try JSON(parsing: Array(text(of: found).readableBytesView))
    return json.object ?? JSONObject()
  }

  private func text(of found: FoundResource) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(found.resource.document.count + 256 + (found.rows?.count ?? 0) * 256)
    writer.write(found, into: &buffer)
    return buffer
  }
}
