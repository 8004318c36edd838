import Hummingbird
import Models
import NIOCore
import SCIM

/// How a request wants the resources in its answer: with which attributes, under which URL, as which media type.
struct AnswerForm: Sendable {
  let kind: ResourceKind
  let base: BaseURL
  let schema: ResourceSchema
  let parameters: QueryParameters
  let projection: Projection
  /// Whether the request names the attributes it wants.
  let namesAttributes: Bool
  let mediaType: String

  /// - Throws: 400 where the query or the host cannot be understood.
  init(_ kind: ResourceKind, of request: Request, for caller: Caller, _ baseURLs: BaseURLRule) throws {
    self.kind = kind
    base = try baseURLs.baseURL(of: request.head)
    schema = kind == .user ? caller.schemas.user : caller.schemas.group
    parameters = try QueryParameters(request.uri.query)
    namesAttributes = parameters["attributes"] != nil
    projection = try Projection(
      attributes: parameters["attributes"], excluded: parameters["excludedAttributes"], schema: schema)
    mediaType = MediaType.ofAnswer(accept: request.headers[.accept])
  }

  /// Whether the attribute that is kept as rows is wanted.
  var wantsRows: Bool { projection.includes(kind.rowAttribute) }

  /// The resource as it is sent.
  func body(of found: FoundResource) throws -> ByteBuffer {
    if projection.isWhole { return text(of: found) }
    return ByteBuffer(bytes: projection.apply(to: try whole(found)).serialized())
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
