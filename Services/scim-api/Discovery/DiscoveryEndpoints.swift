import Hummingbird
import NIOCore
import ProvisioningLog
import SCIM

/// What a client can find out about the service (RFC 7644 §4). The schemas are those of the caller's workspace.
struct DiscoveryEndpoints: Sendable {
  let limits: ServiceLimits

  var all: [Endpoint] {
    [
      serviceProviderConfig("/ServiceProviderConfig"),
      // What drafts of SCIM 2.0 called it, and some clients ask for.
      serviceProviderConfig("/ServiceProviderConfigs"),
      endpoint("/ResourceTypes") { discovery, base, _ in Self.list(discovery.resourceTypes(baseURL: base)) },
      endpoint("/ResourceTypes/{\(ResourcePath.id)}") { discovery, base, name throws(APIError) in
        guard let type = discovery.resourceType(name, baseURL: base) else {
          throw .undiscovered("resource type", name, among: "ResourceTypes")
        }
        return type.serialized()
      },
      endpoint("/Schemas") { discovery, base, _ in Self.list(discovery.schemas(baseURL: base)) },
      endpoint("/Schemas/{\(ResourcePath.id)}") { discovery, base, id throws(APIError) in
        guard let schema = discovery.schema(id, baseURL: base) else { throw .undiscovered("schema", id, among: "Schemas") }
        return schema.serialized()
      },
    ]
  }

  private func serviceProviderConfig(_ path: String) -> Endpoint {
    endpoint(path) { [limits] discovery, base, _ in discovery.serviceProviderConfig(baseURL: base, limits: limits).serialized() }
  }

  private typealias Answer = @Sendable (_ discovery: Discovery, _ baseURL: String, _ id: String) throws(APIError) -> [UInt8]

  private func endpoint(_ path: String, _ answer: @escaping Answer) -> Endpoint {
    Endpoint(.get, ResourcePath.base + path) { request, context in
      // RFC 7644 §4 has a filter refused, lest anyone take the whole answer for a filtered one.
      guard try QueryParameters(request.uri.query).given("filter") == nil else { throw APIError.filteredDiscovery() }
      let id = context.parameters.get(ResourcePath.id).map { $0.removingPercentEncoding ?? $0 } ?? ""
      let bytes = try answer(Discovery(schemas: context.caller.schemas), context.base.text, id)
      return .json(.ok, ByteBuffer(bytes: bytes), mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
    }
  }

  private static func list(_ resources: [JSON]) -> [UInt8] {
    ListResponse(totalResults: resources.count, resources: resources.map { $0.serialized() }).serialized()
  }
}

extension APIError {
  fileprivate static func undiscovered(_ what: String, _ name: String, among list: String) -> APIError {
    APIError(404, "There is no \(what) '\(Redaction.path(name).prefix(200))'. \(ResourcePath.base)/\(list) lists all.")
  }

  fileprivate static func filteredDiscovery() -> APIError {
    APIError(403, "This endpoint cannot be filtered. Leave the query parameter 'filter' out.")
  }
}
