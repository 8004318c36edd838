/// The versions of a schema that a build supports. A version is the number of the last applied migration.
///
/// A build needs its expand migrations. Contract migrations at the end may be missing: they are applied when no process of the previous
/// release is left. A newer version is supported as long as the migrations that the build does not know are expand migrations.
public struct SchemaRange: Sendable, Hashable {
  /// The schema, for example `identity`.
  public let schema: String
  /// The oldest supported version.
  public let oldest: Int
  /// The newest version that this build knows: the number of its last migration.
  public let newest: Int

  /// Makes a range.
  public init(schema: String, oldest: Int, newest: Int) {
    self.schema = schema
    self.oldest = oldest
    self.newest = newest
  }

  /// Whether a build with this range works with a database.
  public func supports(_ version: SchemaVersion) -> Bool {
    version.number >= oldest && version.lastContract <= newest
  }

  /// The ranges of a build with `migrations`, in the order of the schemas. A migration without a kind counts as needed, and as one that
  /// older builds do not support.
  public static func ranges(of migrations: [Migration]) -> [SchemaRange] {
    var schemas: [String] = []
    for migration in migrations where !schemas.contains(migration.schema) { schemas.append(migration.schema) }
    return schemas.map { schema in
      let own = migrations.filter { $0.schema == schema }
      return SchemaRange(
        schema: schema, oldest: own.filter { $0.kind != .contract }.map(\.number).max() ?? 0, newest: own.map(\.number).max() ?? 0)
    }
  }
}

extension SchemaRange: CustomStringConvertible {
  /// The versions, for example `25` or `25 to 27`.
  public var description: String { oldest == newest ? "\(newest)" : "\(oldest) to \(newest)" }
}

/// The state of a schema in a database.
public struct SchemaVersion: Sendable, Hashable {
  /// The number of the last applied migration; 0 if none was.
  public let number: Int
  /// The number of the last applied migration that is not an expand migration; 0 if there is none.
  public let lastContract: Int

  /// Makes a version.
  public init(number: Int, lastContract: Int) {
    self.number = number
    self.lastContract = lastContract
  }
}
