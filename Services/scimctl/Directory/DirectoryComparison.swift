import Foundation
import Models
import Postgres

/// Compares the directory of one workspace with the store.
struct DirectoryComparison: Sendable {
  let pool: PostgresPool
  let workspace: WorkspaceID

  /// The largest number of differences that are read. A directory with more of them needs a complete rebuild.
  static let maximumDifferences = 10_000

  /// Finds differences that persist. Differences that disappear are changes in progress.
  ///
  /// - Parameter duration: How long differences are checked again.
  func persistentDifferences(checkedFor duration: Duration) async throws -> [DirectoryDifference] {
    var differences = try await currentDifferences(among: nil)
    let deadline = ContinuousClock.now + duration
    while !differences.isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: min(.seconds(2), deadline - .now))
      let before = Set(differences)
      differences = try await currentDifferences(among: differences).filter(before.contains)
    }
    return differences
  }

  /// Compares store and directory in one snapshot.
  ///
  /// - Parameter candidates: Compares only these resources; nil for all.
  private func currentDifferences(among candidates: [DirectoryDifference]?) async throws -> [DirectoryDifference] {
    let snapshot = try await pool.snapshot()
    var (users, groups, memberships): ([UUID]?, [UUID]?, [UUID]?) = (nil, nil, nil)
    if let candidates {
      (users, groups, memberships) = ([], [], [])
      for candidate in candidates {
        switch candidate.subject {
        case .user(let id): users?.append(id.uuid)
        case .group(let id): groups?.append(id.uuid)
        case .membership(let id, _): if memberships?.last != id.uuid { memberships?.append(id.uuid) }
        }
      }
    }
    var found: [DirectoryDifference] = []
    for row in try await rows(DirectoryComparisonQueries.users, users, snapshot) { found.append(try Self.user(row)) }
    for row in try await rows(DirectoryComparisonQueries.groups, groups, snapshot) { found.append(try Self.group(row)) }
    for row in try await rows(DirectoryComparisonQueries.memberships, memberships, snapshot) {
      let isExtra = try row.bool(2)
      found.append(
        DirectoryDifference(.membership(GroupID(try row.uuid(0)), UserID(try row.uuid(1))), isExtra: isExtra, isMissing: !isExtra))
    }
    return found
  }

  private func rows(_ statement: Statement, _ ids: [UUID]?, _ snapshot: PostgresSnapshot) async throws -> [Row] {
    if let ids, ids.isEmpty { return [] }
    let parameters: [PostgresValue] = [.uuid(workspace.uuid), ids.map { .uuidArray($0) } ?? .null, .int(Int64(Self.maximumDifferences))]
    return Array(try await snapshot.query(statement, parameters))
  }

  private static func user(_ row: Row) throws -> DirectoryDifference {
    DirectoryDifference(
      .user(UserID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
      try properties(["state", "email", "name", "role", "version", "profile"], in: row))
  }

  private static func group(_ row: Row) throws -> DirectoryDifference {
    DirectoryDifference(
      .group(GroupID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
      try properties(["name", "version", "membership"], in: row))
  }

  /// The properties from the fourth column on: two columns each, store and directory.
  private static func properties(_ names: [String], in row: Row) throws -> [DirectoryDifference.Property] {
    try names.enumerated().map { index, name in
      DirectoryDifference.Property(
        name: name, inStore: try row.optionalString(3 + 2 * index), inDirectory: try row.optionalString(4 + 2 * index))
    }
  }
}
