import Foundation
import Models
import Postgres

/// Holds the directory of one workspace against the store.
struct Comparison: Sendable {
  let pool: PostgresPool
  let workspace: WorkspaceID

  /// More differences than this are not looked at: whoever has so many rebuilds everything.
  static let most = 10_000

  /// What differs now, and goes on to differ in the same way: what is under way has come by then.
  ///
  /// - Parameter patience: For how long what differs is looked at again.
  func lasting(patience: Duration) async throws -> [Difference] {
    var differences = try await now(among: nil)
    let deadline = ContinuousClock.now + patience
    while !differences.isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: min(.seconds(2), deadline - .now))
      let before = Set(differences)
      differences = try await now(among: differences).filter(before.contains)
    }
    return differences
  }

  /// What differs at this moment: in one snapshot, so that nothing is half seen.
  private func now(among suspects: [Difference]?) async throws -> [Difference] {
    let snapshot = try await pool.snapshot()
    var (users, groups, memberships): ([UUID]?, [UUID]?, [UUID]?) = (nil, nil, nil)
    if let suspects {
      (users, groups, memberships) = ([], [], [])
      for suspect in suspects {
        switch suspect.subject {
        case .user(let id): users?.append(id.uuid)
        case .group(let id): groups?.append(id.uuid)
        case .membership(let id, _): if memberships?.last != id.uuid { memberships?.append(id.uuid) }
        }
      }
    }
    var found: [Difference] = []
    for row in try await rows(ComparisonQueries.users, users, snapshot) { found.append(try Self.user(row)) }
    for row in try await rows(ComparisonQueries.groups, groups, snapshot) { found.append(try Self.group(row)) }
    for row in try await rows(ComparisonQueries.memberships, memberships, snapshot) {
      let isExtra = try row.bool(2)
      found.append(
        Difference(.membership(GroupID(try row.uuid(0)), UserID(try row.uuid(1))), isExtra: isExtra, isMissing: !isExtra))
    }
    return found
  }

  private func rows(_ statement: Statement, _ ids: [UUID]?, _ snapshot: PostgresSnapshot) async throws -> [Row] {
    if let ids, ids.isEmpty { return [] }
    let parameters: [PostgresValue] = [.uuid(workspace.uuid), ids.map { .uuidArray($0) } ?? .null, .int(Int64(Self.most))]
    return Array(try await snapshot.query(statement, parameters))
  }

  private static func user(_ row: Row) throws -> Difference {
    Difference(
      .user(UserID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
      try properties(["state", "email", "name", "role", "version"], in: row))
  }

  private static func group(_ row: Row) throws -> Difference {
    Difference(
      .group(GroupID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
      try properties(["name", "version", "membership"], in: row))
  }

  /// From the fourth column on, two columns a property.
  private static func properties(_ names: [String], in row: Row) throws -> [Difference.Property] {
    try names.enumerated().map { index, name in
      Difference.Property(name: name, stored: try row.optionalString(3 + 2 * index), kept: try row.optionalString(4 + 2 * index))
    }
  }
}
