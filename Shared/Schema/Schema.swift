import Postgres

/// The migrations of the suite's schemas, built in.
///
/// The files beside this one hold the SQL. They are listed here one by one: the order is theirs, and an applied one never changes.
/// (SwiftPM names an embedded file after its own with the first character made an underscore.)
public enum Schema {
  public static let identity = [
    migration("identity", 1, "identity", PackageResources._01_identity_sql),
    migration("identity", 2, "queries", PackageResources._02_queries_sql),
    migration("identity", 3, "totals", PackageResources._03_totals_sql),
  ]

  public static let mailer = [
    migration("mailer", 1, "mailer", PackageResources._01_mailer_sql),
    migration("mailer", 2, "life", PackageResources._02_life_sql),
  ]

  public static let directory = [
    migration("directory", 1, "directory", PackageResources._01_directory_sql)
  ]

  /// All of them, in the order in which they are to be applied.
  public static let all = identity + mailer + directory

  private static func migration(_ schema: String, _ number: Int, _ name: String, _ sql: [UInt8]) -> Migration {
    Migration(schema: schema, number: number, name: name, sql: String(decoding: sql, as: UTF8.self))
  }
}
