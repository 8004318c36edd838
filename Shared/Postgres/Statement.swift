/// An SQL statement with parameters `$1`, `$2`, …, and the name that errors and logs call it by.
///
/// It is prepared on first use, once per connection. Two statements are the same where both name and text are.
public struct Statement: Sendable, Hashable {
  /// What errors, logs and `pg_prepared_statements` call it.
  public let name: String
  /// One SQL statement.
  public let sql: String
  /// Whether it is prepared once and kept, rather than parsed anew at every use.
  public let isKept: Bool

  /// A statement whose text is fixed: prepared once per connection, on first use.
  public init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    isKept = true
  }

  /// A statement whose text was composed for this one use, for example from a filter: never kept in a connection, since there would be
  /// no end to them.
  public init(once name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    isKept = false
  }

  /// The name alone: the text can be long, and is compared anyway.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
  }
}
