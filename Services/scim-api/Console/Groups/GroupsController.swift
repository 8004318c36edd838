import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/groups`: the groups that the identity provider pushes, and a page for each with its members by membership status.
struct GroupsController: ConsoleController {
  private let query: GroupsQuery
  private let cursors: CursorSeal
  private let listTemplate: ConsoleTemplate
  private let groupTemplate: ConsoleTemplate

  /// The number of groups or members on a page.
  static let pageSize = 50
  /// The maximum length of a search text in characters.
  private static let maximumSearchLength = 200

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, cursors: CursorSeal) throws {
    query = GroupsQuery(database: database)
    self.cursors = cursors
    listTemplate = try ConsoleTemplate(PackageResources.groups_mustache)
    groupTemplate = try ConsoleTemplate(PackageResources.group_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("groups", use: list)
    group.page("groups/{id}", use: show)
  }

  /// The path of a group's page.
  static func path(of group: GroupID) -> String { "\(ConsoleSection.groups.path)/\(group)" }

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let search = parameters["q"].map { String($0.prefix(Self.maximumSearchLength)) }
    let listName = "console/groups?\(search ?? "")"
    let now = Date()
    let after = try parameters["cursor"].map { text in
      let place = try cursors.cursor(text, for: listName, in: context.workspace, at: now).place
      return (key: place.key ?? "", id: place.id)
    }
    async let total = query.total(in: context.workspace)
    var groups = try await query.groups(named: search, after: after, limit: Self.pageSize + 1, in: context.workspace)
    var next: String?
    if groups.count > Self.pageSize {
      groups.removeLast()
      if let last = groups.last {
        let place = CursorPosition(key: last.key, kind: .group, id: last.id.resource)
        next = cursors.text(of: Cursor(place: place, total: 0), for: listName, in: context.workspace, at: now)
      }
    }
    let view = GroupsView(groups: groups, total: try await total, search: search, isFirst: after == nil, next: next)
    return ConsolePage(title: "Groups", section: .groups, template: listTemplate, values: view)
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let text = context.parameters.get("id") ?? ""
    guard let id = GroupID(text), let group = try await query.group(id, in: context.workspace) else {
      throw APIError(404, "There is no such group in this workspace. The identity provider may have deleted it.")
    }
    let name = parameters["state"] ?? MembershipStatus.visible.rawValue
    guard let status = MembershipStatus(rawValue: name) else {
      throw APIError(400, .invalidValue, "state is '\(name.prefix(50))'; use visible, pending or held.")
    }
    let listName = "\(Self.path(of: id))?\(status)"
    let now = Date()
    let after = try parameters["cursor"].map { text in
      UserID(try cursors.cursor(text, for: listName, in: context.workspace, at: now).place.id.uuid)
    }
    var members = try await query.members(of: group, status: status, after: after, limit: Self.pageSize + 1, in: context.workspace)
    var next: String?
    if members.count > Self.pageSize {
      members.removeLast()
      if let last = members.last {
        let cursor = Cursor(place: CursorPosition(key: nil, kind: .user, id: last.id.resource), total: 0)
        next = cursors.text(of: cursor, for: listName, in: context.workspace, at: now)
      }
    }
    let view = GroupView(group, status: status, members: members, isFirst: after == nil, next: next)
    return ConsolePage(title: group.name, section: .groups, template: groupTemplate, values: view)
  }
}
