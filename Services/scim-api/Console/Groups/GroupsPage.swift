import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// *Groups*: every group that the identity provider pushes, and how many of its members the product shows.
struct GroupsPage: Sendable {
  let query: GroupsQuery
  let cursors: CursorSeal
  private let template: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(database: Database, cursors: CursorSeal) throws {
    query = GroupsQuery(database: database)
    self.cursors = cursors
    template = try ConsoleTemplate(PackageResources.groups_mustache)
  }

  static let path = "\(Console.path)/groups"
  /// Of one page of the list.
  static let count = 50

  var all: [ConsoleEndpoint] { [.page("/groups", show)] }

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let search = parameters["q"].map { String($0.prefix(200)) }
    let list = "console/groups?\(search ?? "")"
    let now = Date()
    let after = try parameters["cursor"].map { text in
      let place = try cursors.cursor(text, for: list, in: context.workspace, at: now).place
      return (key: place.key ?? "", id: place.id)
    }
    async let total = query.total(in: context.workspace)
    var groups = try await query.groups(named: search, after: after, limit: Self.count + 1, in: context.workspace)
    var next: String?
    if groups.count > Self.count {
      groups.removeLast()
      if let last = groups.last {
        let place = Place(key: last.key, kind: .group, id: last.id.resource)
        next = cursors.text(of: Cursor(place: place, total: 0), for: list, in: context.workspace, at: now)
      }
    }
    let view = GroupsView(groups: groups, total: try await total, search: search, isFirst: after == nil, next: next)
    return ConsolePage(title: "Groups", section: .groups, template: template, values: view)
  }
}
