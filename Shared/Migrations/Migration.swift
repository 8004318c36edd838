import Postgres

/// A numbered migration of a schema.
public struct Migration: Sendable, Hashable {
  /// The schema, for example `identity`.
  public let schema: String
  /// The number within the schema, from 1.
  public let number: Int
  /// A short name.
  public let name: String
  /// Any number of SQL statements, executed in one transaction, which they must not end.
  public let sql: String

  /// Makes a migration.
  public init(schema: String, number: Int, name: String, sql: String) {
    self.schema = schema
    self.number = number
    self.name = name
    self.sql = sql
  }
}

extension Migration: CustomStringConvertible {
  /// The path of its file, for example `identity/001-identity`.
  public var description: String {
    let digits = String(number)
    return "\(schema)/\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)-\(name)"
  }
}

/// The error for a database whose schema version differs from that of the build.
public struct SchemaMismatch: Error, Sendable, Hashable {
  /// The schema, for example `identity`.
  public var schema: String
  /// The number of the last migration that was applied; 0 if none was.
  public var found: Int
  /// The number of the last migration of this build.
  public var expected: Int

  /// Makes an error.
  public init(schema: String, found: Int, expected: Int) {
    self.schema = schema
    self.found = found
    self.expected = expected
  }
}

extension SchemaMismatch: CustomStringConvertible {
  /// Both versions, and what to do.
  public var description: String {
    let what = "schema \(schema) of the database is at version \(found), this build works with \(expected): "
    return what + (found < expected ? "run `scimctl migrate`" : "this build is older than the database")
  }
}

/// The error for a migration that cannot be applied, or whose text has changed since it was applied.
public struct MigrationError: Error, Sendable, CustomStringConvertible {
  /// The migration.
  public var migration: Migration
  /// What is wrong with it.
  public var problem: String

  /// The migration's path and the problem.
  public var description: String { "\(migration): \(problem)" }
}
