import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIMStorage

/// `/Users` or `/Groups`: reads and writes of single resources of one kind (RFC 7644 §3.2).
///
/// Reads query the views of identity-store. Writes are commands to identity-store; see `ResourceController+Writes.swift`.
struct ResourceController: Sendable {
  let kind: ResourceKind
  let reads: any ResourceReads
  let bodies: BodyReader
  /// Limits the writes in flight.
  let inFlight: ConcurrencyLimit
  /// Limits the concurrent writes of a workspace.
  let limiter: WorkspaceConcurrencyLimiter
  let commands: CommandClient

  func addRoutes(to group: RouterGroup<CallerContext>) {
    let resource = RouterPath("\(kind.endpoint)/{\(ResourcePath.id)}")
    group.on(RouterPath(kind.endpoint), method: .post, use: create)
    group.getAndHead(resource, use: retrieve)
    group.on(resource, method: .put, use: replace)
    group.on(resource, method: .patch, use: patch)
    group.on(resource, method: .delete, use: delete)
  }

  /// GET of one resource (RFC 7644 §3.4.1), or 304 if `If-None-Match` has its version (§3.14).
  @Sendable func retrieve(_ request: Request, _ context: CallerContext) async throws -> Response {
    let format = try ResponseFormat(kind, of: request, in: context)
    let id = try kind.id(in: context)
    context.info.record(resource: id)
    let workspace = context.caller.workspace
    if let known = try EntityTagCondition(.ifNoneMatch, of: request.head) {
      // Skip the rows at first, since there may be many and the client may have the current version.
      let found = try await resource(id, withRows: false, in: workspace)
      let headers = format.headers(of: found.resource)
      if known.matches(found.resource.version) { return Response(status: .notModified, headers: headers) }
      if !format.includesRows { return try format.response(.ok, with: found, from: reads, in: workspace, headers: headers) }
    }
    let found = try await resource(id, withRows: format.includesRows, in: workspace)
    return try format.response(.ok, with: found, from: reads, in: workspace, headers: format.headers(of: found.resource))
  }

  private func resource(_ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource {
    guard let found = try await reads.resource(kind, id, withRows: withRows, in: workspace) else {
      throw APIError.notFound(kind, "\(id)", remains: try await reads.remains(of: kind, id, in: workspace))
    }
    return found
  }
}

extension ResourceKind {
  /// The id in the request's path.
  ///
  /// - Throws: 404 for a malformed id, which no resource can have.
  func id(in context: CallerContext) throws(APIError) -> ResourceID {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = ResourceID(text) else { throw .notFound(self, text, remains: nil) }
    return id
  }
}
