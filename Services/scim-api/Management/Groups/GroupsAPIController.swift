import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/groups`: the pushed groups, and their members by membership status.
struct GroupsAPIController: ManagementController {
  private let query: GroupsQuery
  private let cursors: CursorSeal

  init(_ dependencies: Management.Dependencies) {
    query = GroupsQuery(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("groups", use: list)
    routes.workspace.read("groups/{id}", use: show)
    routes.workspace.read("groups/{id}/members", use: members)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["q", "limit", "cursor"])
    let workspace = context.caller.workspace
    let prefix = try parameters.search("q")
    let page = try AdminPage(parameters, of: "groups", filters: [prefix], for: context.caller, cursors: cursors)
    async let total = query.total(in: workspace)
    let found = try await query.groups(
      named: prefix, after: page.after.map { (key: $0.key ?? "", id: $0.id) }, limit: page.readLimit, in: workspace)
    return page.response(found, with: ["total": .number(try await total)]) {
      CursorPosition(after: $0.id.uuid, key: $0.key)
    } json: {
      $0.json
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    return .management(.ok, try await group(context).json)
  }

  @Sendable private func members(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["status", "limit", "cursor"])
    let status: MembershipStatus = try parameters.choice("status") ?? .visible
    let group = try await group(context)
    let page = try AdminPage(
      parameters, of: "members", filters: ["\(group.id)", status.rawValue], for: context.caller, cursors: cursors)
    let found = try await query.members(
      of: group, status: status, after: page.after.map { UserID($0.id.uuid) }, limit: page.readLimit, in: context.caller.workspace)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      $0.json(status)
    }
  }

  private func group(_ context: CallerContext) async throws -> GroupDetails {
    let id = try context.id(of: "group", GroupID.self)
    guard let group = try await query.group(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("group", "\(id)") }
    return group
  }
}
