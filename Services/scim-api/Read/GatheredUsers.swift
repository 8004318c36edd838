import Foundation
import Models
import Postgres
import SCIM

/// Reads single users, of all workspaces, those that are asked for at the same time by one statement.
///
/// Groups are not read like this: one with its members may be as large as a thousand users.
struct GatheredUsers: Sendable {
  private struct Key<Value: Hashable & Sendable>: Hashable, Sendable {
    var workspace: WorkspaceID
    var value: Value
  }

  private typealias Reads<Value: Hashable & Sendable> = GatheredReads<Key<Value>, FoundResource>

  private let byID: (whole: Reads<ResourceID>, withoutGroups: Reads<ResourceID>)
  private let byName: (whole: Reads<String>, withoutGroups: Reads<String>)

  init(database: Database) {
    let ids = { @Sendable (keys: [Key<ResourceID>]) in PostgresValue.uuidArray(keys.map(\.value.uuid)) }
    let names = { @Sendable (keys: [Key<String>]) in PostgresValue.textArray(keys.map(\.value)) }
    byID = (
      Self.reads(database, .id, withRows: true, values: ids), Self.reads(database, .id, withRows: false, values: ids)
    )
    byName = (
      Self.reads(database, .userName, withRows: true, values: names), Self.reads(database, .userName, withRows: false, values: names)
    )
  }

  func user(_ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    try await (withRows ? byID.whole : byID.withoutGroups).found(for: Key(workspace: workspace, value: id))
  }

  /// - Parameter name: the userName in lower case.
  func user(named name: String, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    try await (withRows ? byName.whole : byName.withoutGroups).found(for: Key(workspace: workspace, value: name))
  }

  private static func reads<Value: Hashable & Sendable>(
    _ database: Database, _ key: ResourceStatements.UserKey, withRows: Bool, values: @escaping @Sendable ([Key<Value>]) -> PostgresValue
  ) -> Reads<Value> {
    let statement = ResourceStatements.users(by: key, withRows: withRows)
    return Reads { keys in
      let users = try await read(statement, keys.map(\.workspace.uuid), values(keys), withRows: withRows, from: database)
      return Dictionary(uniqueKeysWithValues: users.map { (keys[$0.place], $0.user) })
    }
  }

  /// - Returns: each user with the place of its key among the keys, from 0.
  private static func read(
    _ statement: Statement, _ workspaces: [UUID], _ values: PostgresValue, withRows: Bool, from database: Database
  ) async throws -> [(place: Int, user: FoundResource)] {
    try await database.query(statement, [.uuidArray(workspaces), values]).map { row in
      (place: try row.int(0) - 1, user: try FoundResource(row, from: 1, withRows: withRows))
    }
  }
}
