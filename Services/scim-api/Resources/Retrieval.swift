import Hummingbird
import Models

/// GET of one resource (RFC 7644 §3.4.1).
struct Retrieval: Sendable {
  let kind: ResourceKind
  let reads: any ResourceReads
  let baseURLs: BaseURLRule

  func retrieve(_ request: Request, _ context: CallerContext) async throws -> Response {
    let form = try AnswerForm(kind, of: request, for: context.caller, baseURLs)
    let id = try kind.id(in: context)
    context.facts.note(resource: id)
    let workspace = context.caller.workspace
    guard let found = try await reads.resource(kind, id, withRows: form.wantsRows, in: workspace) else {
      throw Refusal.notFound(kind, "\(id)", remains: try await reads.remains(of: kind, id, in: workspace))
    }
    let tag = ResourceWriter.entityTag(found.resource.version)
    return try form.response(.ok, with: found, from: reads, in: workspace, headers: [.eTag: tag])
  }
}

extension ResourceKind {
  /// The id in the request's path.
  ///
  /// - Throws: 404 where it is none of ours, which no resource can have.
  func id(in context: CallerContext) throws(Refusal) -> ResourceID {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = ResourceID(text) else { throw .notFound(self, text, remains: nil) }
    return id
  }
}
