import Postgres

/// One numbered step in the history of a schema.
public struct Migration: Sendable, Hashable {
  /// The schema whose history it belongs to, for example `identity`.
  public let schema: String
  /// Its place in that history, from 1.
  public let number: Int
  /// What it does, in a word.
  public let name: String
  /// Any number of SQL statements, carried out in one transaction. It must not end that transaction itself.
  public let sql: String

  public init(schema: String, number: Int, name: String, sql: String) {
    self.schema = schema
    self.number = number
    self.name = name
    self.sql = sql
  }
}

extension Migration: CustomStringConvertible {
  public var description: String {
    let digits = String(number)
    return "\(schema)/\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)-\(name)"
  }
}

/// The database's schema is not the one that this build works with.
public struct SchemaMismatch: Error, Sendable, Hashable {
  public var schema: String
  /// The number of the last migration that was applied; 0 where none was.
  public var found: Int
  /// The number of the last migration that this build knows.
  public var expected: Int

  public init(schema: String, found: Int, expected: Int) {
    self.schema = schema
    self.found = found
    self.expected = expected
  }
}

extension SchemaMismatch: CustomStringConvertible {
  public var description: String {
    let what = "schema \(schema) of the database is at version \(found), this build works with \(expected): "
    return what + (found < expected ? "run `scimctl migrate`" : "this build is older than the database")
  }
}

/// A migration cannot be applied, or no longer is what was applied.
public struct MigrationError: Error, Sendable, CustomStringConvertible {
  public var migration: Migration
  public var problem: String

  public var description: String { "\(migration): \(problem)" }
}
