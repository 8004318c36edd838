import Hummingbird
import Models
import SCIMStorage

/// GET of one resource (RFC 7644 §3.4.1), which `If-None-Match` keeps from being sent again (§3.14).
struct Retrieval: Sendable {
  let kind: ResourceKind
  let reads: any ResourceReads

  func retrieve(_ request: Request, _ context: CallerContext) async throws -> Response {
    let form = try ResponseFormat(kind, of: request, in: context)
    let id = try kind.id(in: context)
    context.facts.note(resource: id)
    let workspace = context.caller.workspace
    if let known = try EntityTagCondition(.ifNoneMatch, of: request.head) {
      // Without the rows, of which there may be many: what the client has already is not read for nothing.
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
  /// - Throws: 404 where it is none of ours, which no resource can have.
  func id(in context: CallerContext) throws(APIError) -> ResourceID {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = ResourceID(text) else { throw .notFound(self, text, remains: nil) }
    return id
  }
}
