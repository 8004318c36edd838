import EdgeHTTP
import EdgeReads
import Hummingbird
import NIOCore
import ProvisioningLog
import SCIM

/// The discovery endpoints (RFC 7644 §4), with the schemas of the caller's workspace.
struct DiscoveryController: Sendable {
  let limits: ServiceLimits

  func addRoutes(to group: RouterGroup<CallerContext>) {
    // Some clients use the plural, the name in drafts of SCIM 2.0.
    for path in ["ServiceProviderConfig", "ServiceProviderConfigs"] as [RouterPath] {
      group.getAndHead(path) { [limits] request, context in
        try Self.response(to: request, context) { discovery, base, _ in
          discovery.serviceProviderConfig(baseURL: base, limits: limits).serialized()
        }
      }
    }
    group.getAndHead("ResourceTypes") { request, context in
      try Self.response(to: request, context) { discovery, base, _ in Self.list(discovery.resourceTypes(baseURL: base)) }
    }
    group.getAndHead("ResourceTypes/{\(ResourcePath.id)}") { request, context in
      try Self.response(to: request, context) { discovery, base, name throws(APIError) in
        guard let type = discovery.resourceType(name, baseURL: base) else {
          throw .unknown("resource type", name, among: "ResourceTypes")
        }
        return type.serialized()
      }
    }
    group.getAndHead("Schemas") { request, context in
      try Self.response(to: request, context) { discovery, base, _ in Self.list(discovery.schemas(baseURL: base)) }
    }
    group.getAndHead("Schemas/{\(ResourcePath.id)}") { request, context in
      try Self.response(to: request, context) { discovery, base, id throws(APIError) in
        guard let schema = discovery.schema(id, baseURL: base) else { throw .unknown("schema", id, among: "Schemas") }
        return schema.serialized()
      }
    }
  }

  private static func response(
    to request: Request, _ context: CallerContext,
    _ body: (_ discovery: Discovery, _ baseURL: String, _ id: String) throws(APIError) -> [UInt8]
  ) throws -> Response {
    // RFC 7644 §4: a filter is rejected, so that no client mistakes the complete response for a filtered one.
    guard try QueryParameters(request.uri.query).given("filter") == nil else { throw APIError.filteredDiscovery() }
    let id = context.parameters.get(ResourcePath.id).map { $0.removingPercentEncoding ?? $0 } ?? ""
    let bytes = try body(Discovery(schemas: context.caller.schemas), context.base.text, id)
    return .json(.ok, ByteBuffer(bytes: bytes), mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  private static func list(_ resources: [JSON]) -> [UInt8] {
    ListResponse(totalResults: resources.count, resources: resources.map { $0.serialized() }).serialized()
  }
}

extension APIError {
  fileprivate static func unknown(_ what: String, _ name: String, among list: String) -> APIError {
    APIError(404, "There is no \(what) '\(Redaction.path(name).prefix(200))'. \(ResourcePath.base)/\(list) lists all of them.")
  }

  fileprivate static func filteredDiscovery() -> APIError {
    APIError(403, "This endpoint cannot be filtered. Remove the query parameter 'filter'.")
  }
}
