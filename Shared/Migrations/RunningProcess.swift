import Foundation
import Postgres

/// A process of the suite that was seen recently in a database.
public struct RunningProcess: Sendable, Hashable {
  /// The service and its replica, for example `identity-store-0`.
  public let name: String
  /// The release; nil for a process that records none, which is of a release before 0.3.
  public let version: String?
  /// The newest version that it knows of each schema that it uses.
  public let newest: [String: Int]
  /// When it was last seen.
  public let seenAt: Date

  /// Makes a process.
  public init(name: String, version: String?, newest: [String: Int], seenAt: Date) {
    self.name = name
    self.version = version
    self.newest = newest
    self.seenAt = seenAt
  }

  /// Whether the process works after a contract migration: it knows it, or does not use the schema.
  func supports(_ migration: Migration) -> Bool {
    guard version != nil else { return false }
    guard let newest = newest[migration.schema] else { return true }
    return newest >= migration.number
  }

  /// The names of several processes with their releases, each once.
  public static func names(_ processes: [RunningProcess]) -> String {
    Set(processes.map { "\($0.name) (\($0.version ?? "before 0.3"))" }).sorted().joined(separator: ", ")
  }
}

/// The record of running processes in a database: their releases and the schema versions that they support.
///
/// Each process records itself when it starts and every few minutes. ``Migrator`` reads the record before a contract migration.
public enum ProcessRegistry {
  /// How long a process counts as running after it was last seen.
  public static let memory = Duration.seconds(3600)

  /// Records a process.
  ///
  /// - Parameters:
  ///   - instance: A new id for each start of the process.
  ///   - name: The service and its replica, for example `identity-store-0`.
  ///   - version: The release.
  ///   - ranges: The schema versions that it supports.
  /// - Returns: False if the database has no record yet, because only releases before 0.3 have migrated it.
  /// - Throws: `PostgresError`.
  public static func record(
    _ instance: UUID, name: String, version: String, ranges: [SchemaRange], on pool: PostgresPool
  ) async throws -> Bool {
    do {
      _ = try await pool.query(
        ProcessStatements.record,
        [
          .uuid(instance), .text(name), .text(version), .textArray(ranges.map(\.schema)), .intArray(ranges.map { Int64($0.oldest) }),
          .intArray(ranges.map { Int64($0.newest) }),
        ])
      return true
    } catch let error as PostgresError where ["3F000", "42883", "42P01"].contains(error.sqlState) {
      return false
    }
  }

  /// The processes that were seen within ``memory``, and connected ones that have not recorded themselves.
  ///
  /// - Throws: `PostgresError`.
  public static func running(on pool: PostgresPool) async throws -> [RunningProcess] {
    do {
      return try processes(in: await pool.query(ProcessStatements.running, [.int(Int64(memory / .seconds(1)))]))
    } catch let error as PostgresError where ["3F000", "42P01"].contains(error.sqlState) {
      return []
    }
  }

  /// As ``running(on:)``, in a session, once the record exists.
  static func running(in session: PostgresSession) async throws -> [RunningProcess] {
    try processes(in: await session.query(ProcessStatements.running, [.int(Int64(memory / .seconds(1)))]))
  }

  private static func processes(in rows: Rows) throws -> [RunningProcess] {
    try rows.map { row in
      let schemas = try row.textArray(2)
      let newest = try row.intArray(3)
      return RunningProcess(
        name: try row.string(0), version: try row.optionalString(1),
        newest: Dictionary(zip(schemas, newest)) { first, _ in first }, seenAt: try row.timestamp(4))
    }
  }
}
