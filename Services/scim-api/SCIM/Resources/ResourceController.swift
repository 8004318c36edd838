import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIMStorage

/// The resources of one kind, `/Users` or `/Groups` (RFC 7644 §3.2).
///
/// Reads come from the store's views. Writes are commands to identity-store; see `ResourceController+Writes.swift`.
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

  /// GET of one resource (RFC 7644 §3.4.1), unless `If-None-Match` says that the client has it (§3.14).
  @Sendable func retrieve(_ request: Request, _ context: CallerContext) async throws -> Response {
    let form = try ResponseFormat(kind, of: request, in: context)
    let id = try kind.id(in: context)
    context.info.record(resource: id)
    let workspace = context.caller.workspace
    if let known = try EntityTagCondition(.ifNoneMatch, of: request.head) {
      // Without the rows, of which there may be many: the client may have the resource already.
      let found = try await resource(id, withRows: false, in: workspace)
      let headers = form.headers(of: found.resource)
      if known.matches(found.resource.version) { return Response(status: .notModified, headers: headers) }
      if !form.wantsRows { return try form.response(.ok, with: found, from: reads, in: workspace, headers: headers) }
    }
    let found = try await resource(id, withRows: form.wantsRows, in: workspace)
    return try form.response(.ok, with: found, from: reads, in: workspace, headers: form.headers(of: found.resource))
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
