import Postgres

/// A numbered migration of a schema.
public struct Migration: Sendable, Hashable {
  /// The schema, for example `identity`.
  public let schema: String
  /// The number within the schema, from 1.
  public let number: Int
  /// A short name.
  public let name: String
  /// Whether processes of the previous release work after it; nil if the file does not declare it.
  public let kind: Kind?
  /// Any number of SQL statements, executed in one transaction, which they must not end. Without the line that declares the kind.
  public let sql: String

  /// Makes a migration.
  ///
  /// - Parameter sql: The content of its file. The first line declares the kind: `-- expand`, or `-- contract: ` and what it takes away.
  ///   The line is not part of ``sql``, so that it does not change the checksum of a migration that is applied already.
  public init(schema: String, number: Int, name: String, sql: String) {
    self.schema = schema
    self.number = number
    self.name = name
    let lines = sql.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    kind = lines.first.flatMap { Kind(declaration: $0) }
    self.sql = kind == nil ? sql : lines.count > 1 ? String(lines[1]) : ""
  }

  /// What a migration means for processes of the previous release.
  public enum Kind: String, Sendable, Hashable {
    /// It adds something. Processes of the previous release continue to work, and so do processes of this one before it is applied if it
    /// is not among the migrations that they need.
    case expand
    /// It removes or changes something that the previous release uses.
    case contract

    /// Reads the first line of a migration's file; nil if it declares no kind.
    init?(declaration line: some StringProtocol) {
      guard line.hasPrefix("-- ") else { return nil }
      self.init(rawValue: String(line.dropFirst(3).prefix { $0.isLetter }))
    }
  }

  /// The number of lines of its file before ``sql``.
  var linesBeforeSQL: Int { kind == nil ? 0 : 1 }
}

extension Migration: CustomStringConvertible {
  /// The path of its file, for example `identity/001-identity`.
  public var description: String {
    let digits = String(number)
    return "\(schema)/\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)-\(name)"
  }
}

/// The error for a database whose schema version this build does not support.
public struct SchemaMismatch: Error, Sendable, Hashable {
  /// The state of the schema in the database.
  public var found: SchemaVersion
  /// The versions that this build supports.
  public var supported: SchemaRange

  /// Makes an error.
  public init(found: SchemaVersion, supported: SchemaRange) {
    self.found = found
    self.supported = supported
  }
}

extension SchemaMismatch: CustomStringConvertible {
  /// Both versions, and what to do.
  public var description: String {
    let what = "schema \(supported.schema) of the database is at version \(found.number), this build works with \(supported): "
    return what + (found.number < supported.oldest ? "run `scimctl migrate`" : "this build is older than the database")
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
