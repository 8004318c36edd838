import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import Postgres
import SCIM
import SCIMStorage

/// Lists and queries of one kind of resource, or of all kinds at the root, by GET (RFC 7644 §3.4.2) or by POST to `.search` (§3.4.3).
struct SearchController: Sendable {
  /// The path below the base URL; empty for the root.
  let path: String
  /// The kinds to search, in the order of the list.
  let kinds: [ResourceKind]
  let reads: any ResourceReads
  let bodies: BodyReader
  let cursors: CursorSeal
  /// Limits the concurrent queries of a workspace.
  let limiter: WorkspaceConcurrencyLimiter

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on(RouterPath("\(path)/.search"), method: .post, use: search)
    group.getAndHead(RouterPath(path), use: list)
  }

  @Sendable func list(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await response(to: try SearchRequest(QueryParameters(request.uri.query)), request, context)
  }

  @Sendable func search(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let search = try SearchRequest(try await bodies.json(in: request, share: &share, info: context.info))
    share.release()
    return try await response(to: search, request, context)
  }

  private func response(to search: SearchRequest, _ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let base = context.base
    let mediaType = MediaType.ofAnswer(accept: request.headers[.accept])
    let formats = try kinds.map { kind in
      try ResponseFormat(
        kind, base: base, attributes: search.attributes, excluded: search.excludedAttributes, for: caller, mediaType: mediaType)
    }
    let now = Date()
    let query = try ResourceQuery(
      search, of: formats.map { ($0.kind, $0.projection) }, for: caller, base: base, cursors: cursors, at: now)
    if request.method != .post, query.sources.contains(where: { $0.filter?.mentionsSecret ?? false }) { throw APIError.secretInURL() }
    // A lookup of one user by name is cheap and needs no permit.
    let permit = query.userNameLookup == nil ? try await limiter.permit(for: caller.workspace) : nil
    defer { withExtendedLifetime(permit) {} }
    let found: FoundResources
    do {
      found = try await reads.list(query, in: caller.workspace)
    } catch let error as PostgresError where error.isTimeout {
      throw APIError.queryTooLong(search)
    }
    let total = found.total ?? query.knownTotal ?? 0
    let list = search.list(of: query.sources)
    let cursor: @Sendable (CursorPosition?) -> String? = { [cursors] place in
      place.map { cursors.text(of: Cursor(place: $0, total: total), for: list, in: caller.workspace, at: now) }
    }
    let head = ListResponse.Head(
      totalResults: total, startIndex: query.startIndex, nextCursor: cursor(found.next), previousCursor: cursor(found.previous))
    let page = ListedPage(
      head: head, resources: found.resources, formats: formats, reads: reads, workspace: caller.workspace,
      nextCursor: query.isRead(forward: true) ? cursor : nil)
    return .json(.ok, try page.body(), mediaType: mediaType)
  }
}

extension ResourceQuery {
  /// The `startIndex` of the response; nil for pages by cursor.
  fileprivate var startIndex: Int? {
    if case .page(let page) = part { page.startIndex } else { nil }
  }

  /// Whether the page is requested by cursor and read in the given direction.
  fileprivate func isRead(forward: Bool) -> Bool {
    if case .from(let place, _) = part { (place?.isForward ?? true) == forward } else { false }
  }
}

extension APIError {
  /// The error for a query without an index in a workspace that is too large for it.
  fileprivate static func queryTooLong(_ search: SearchRequest) -> APIError {
    APIError(
      400, .tooMany,
      """
      The query (filter '\(search.filter?.prefix(300) ?? "")', sortBy '\(search.sortBy?.prefix(100) ?? "")') takes too long in a workspace of \
      this size. Narrow it with 'and' and an indexed attribute: id, userName, externalId, displayName, emails.value, \
      groups.value, members.value, active, meta.lastModified.
      """)
  }

  /// The error for secrets in a URL, which may be logged (RFC 7644 §7.5.2).
  fileprivate static func secretInURL() -> APIError {
    APIError(403, .sensitive, "The filter in the URL asks for a secret attribute, and URLs are logged. Send it by POST to .search.")
  }
}
