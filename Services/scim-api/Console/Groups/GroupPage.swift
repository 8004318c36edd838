import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A group's page: what the identity provider says of it, and its members by where they stand.
struct GroupPage: Sendable {
  let query: GroupsQuery
  let cursors: CursorSeal
  private let template: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(database: Database, cursors: CursorSeal) throws {
    query = GroupsQuery(database: database)
    self.cursors = cursors
    template = try ConsoleTemplate(PackageResources.group_mustache)
  }

  static func path(of group: GroupID) -> String { "\(GroupsPage.path)/\(group)" }
  /// Members of one page of the list.
  static let count = 50

  var all: [ConsoleEndpoint] { [.page("/groups/{\(ResourcePath.id)}", show)] }

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = GroupID(text), let facts = try await query.facts(of: id, in: context.workspace) else { throw APIError.noSuchGroup() }
    let word = parameters["state"] ?? MembershipStatus.visible.rawValue
    guard let standing = MembershipStatus(rawValue: word) else {
      throw APIError(400, .invalidValue, "state is '\(word.prefix(50))'; visible, pending or held was expected.")
    }
    let list = "\(Self.path(of: id))?\(standing)"
    let now = Date()
    let after = try parameters["cursor"].map { text in
      UserID(try cursors.cursor(text, for: list, in: context.workspace, at: now).place.id.uuid)
    }
    var members = try await query.members(of: facts, standing: standing, after: after, limit: Self.count + 1, in: context.workspace)
    var next: String?
    if members.count > Self.count {
      members.removeLast()
      if let last = members.last {
        let cursor = Cursor(place: Place(key: nil, kind: .user, id: last.id.resource), total: 0)
        next = cursors.text(of: cursor, for: list, in: context.workspace, at: now)
      }
    }
    let view = GroupView(facts, standing: standing, members: members, isFirst: after == nil, next: next)
    return ConsolePage(title: facts.name, section: .groups, template: template, values: view)
  }
}

extension APIError {
  fileprivate static func noSuchGroup() -> APIError {
    APIError(404, "There is no such group in this workspace. The identity provider may have deleted it.")
  }
}
