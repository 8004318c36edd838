import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/groups`: the pushed groups, and their members by membership status.
struct GroupsAPIController: ManagementController {
  private let query: GroupsQuery
  private let cursors: CursorSeal

  init(_ dependencies: ManagementDependencies) {
    query = GroupsQuery(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("groups", use: list)
    group.read("groups/{id}", use: show)
    group.read("groups/{id}/members", use: members)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["q", "limit", "cursor"])
    let workspace = context.caller.workspace
    let prefix = try parameters.search("q")
    let page = try ListPage(parameters, of: "groups?\(prefix ?? "")", in: workspace, cursors: cursors, at: Date())
    async let total = query.total(in: workspace)
    let found = try await query.groups(
      named: prefix, after: page.after.map { (key: $0.key ?? "", id: $0.id) }, limit: page.readLimit, in: workspace)
    let (groups, next) = page.split(found) { CursorPosition(key: $0.key, kind: .group, id: $0.id.resource) }
    var object: JSONObject = ["groups": .array(groups.map(\.json)), "total": .number(try await total)]
    object.add("nextCursor", next)
    return .object(object)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check([])
    return try await group(context).json
  }

  @Sendable private func members(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["status", "limit", "cursor"])
    let workspace = context.caller.workspace
    let status: MembershipStatus = try parameters.choice("status") ?? .visible
    let group = try await group(context)
    let page = try ListPage(
      parameters, of: "groups/\(group.id)/members?\(status.rawValue)", in: workspace, cursors: cursors, at: Date())
    let found = try await query.members(
      of: group, status: status, after: page.after.map { UserID($0.id.uuid) }, limit: page.readLimit, in: workspace)
    let (members, next) = page.split(found) { CursorPosition(key: nil, kind: .user, id: $0.id.resource) }
    var object: JSONObject = ["members": .array(members.map(\.json))]
    object.add("nextCursor", next)
    return .object(object)
  }

  private func group(_ context: CallerContext) async throws -> GroupDetails {
    let id = try context.id(of: "group", GroupID.self)
    guard let group = try await query.group(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("group", "\(id)") }
    return group
  }
}
