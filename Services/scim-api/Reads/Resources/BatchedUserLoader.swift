import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM

/// Loads single users. Concurrent loads of one workspace share a statement.
///
/// Groups are not loaded in batches: a group with its members may be as large as a thousand users.
struct BatchedUserLoader: Sendable {
  private typealias Reads<Value: Hashable & Sendable> = BatchLoader<WorkspaceID, Value, FoundResource>

  private let byID: (withGroups: Reads<ResourceID>, withoutGroups: Reads<ResourceID>)
  private let byName: (withGroups: Reads<String>, withoutGroups: Reads<String>)

  init(database: Database) {
    let ids = Values<ResourceID>(one: { .uuid($0.uuid) }, several: { .uuidArray($0.map(\.uuid)) })
    let names = Values<String>(one: { .text($0) }, several: { .textArray($0) })
    byID = (
      Self.reads(database, .id, withRows: true, values: ids), Self.reads(database, .id, withRows: false, values: ids)
    )
    byName = (
      Self.reads(database, .userName, withRows: true, values: names), Self.reads(database, .userName, withRows: false, values: names)
    )
  }

  /// The parameter of a statement with one key, and that of a statement with several.
  private struct Values<Key>: Sendable {
    let one: @Sendable (Key) -> PostgresValue
    let several: @Sendable ([Key]) -> PostgresValue
  }

  func user(_ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    try await (withRows ? byID.withGroups : byID.withoutGroups).found(for: id, of: workspace)
  }

  /// - Parameter name: the comparison key of the userName.
  func user(named name: String, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    try await (withRows ? byName.withGroups : byName.withoutGroups).found(for: name, of: workspace)
  }

  private static func reads<Value: Hashable & Sendable>(
    _ database: Database, _ key: ResourceStatements.UserKey, withRows: Bool, values: Values<Value>
  ) -> Reads<Value> {
    let (one, several) = (ResourceStatements.one(.user, by: key, withRows: withRows), ResourceStatements.users(by: key, withRows: withRows))
    return Reads { workspace, keys in
      if keys.count == 1 {
        // A single key needs no array and no join.
        let rows = try await database.query(one, [.uuid(workspace.uuid), values.one(keys[0])], in: workspace)
        return try rows.first.map { [keys[0]: try FoundResource($0, from: 0, withRows: withRows)] } ?? [:]
      }
      let rows = try await database.query(several, [.uuid(workspace.uuid), values.several(keys)], in: workspace)
      // The first column is the position of the key, from 1.
      let users = try rows.map { (keys[try $0.int(0) - 1], try FoundResource($0, from: 1, withRows: withRows)) }
      return Dictionary(uniqueKeysWithValues: users)
    }
  }
}
