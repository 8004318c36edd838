/// An SQL statement with parameters `$1`, `$2`, …, and a name for errors and logs.
///
/// It is prepared once per connection, on first use. Two statements are equal if name and text are equal.
public struct Statement: Sendable, Hashable {
  /// The name in errors, logs and `pg_prepared_statements`.
  public let name: String
  /// The text: one SQL statement.
  public let sql: String
  /// Whether it is prepared once and kept, rather than parsed on every use.
  public let isKept: Bool

  /// A statement with a fixed text: prepared once per connection, on first use.
  public init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    isKept = true
  }

  /// A statement whose text was composed for one use, for example from a filter. It is never kept, since the number of such texts is
  /// unbounded.
  public init(once name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    isKept = false
  }

  /// Hashes only the name, since the text can be long; equality compares both.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
  }
}

/// A session setting for one transaction, such as the workspace that row-level security checks.
public struct LocalSetting: Sendable, Hashable {
  /// The name of the setting, for example `rollcall.workspace`.
  public var name: String
  /// The value, as text.
  public var value: String

  /// Makes a setting.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// The statement that sets it until the end of the transaction.
  var step: (Statement, [PostgresValue]) { (Self.statement, [.text(name), .text(value)]) }

  private static let statement = Statement("local setting", "select set_config($1, $2, true)")
}
