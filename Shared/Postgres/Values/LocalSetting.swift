/// A setting of the session that holds for one transaction alone, such as the one that row-level security asks for.
public struct LocalSetting: Sendable, Hashable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// What makes it hold until the end of the transaction.
  var step: (Statement, [PostgresValue]) { (Self.statement, [.text(name), .text(value)]) }

  private static let statement = Statement("local setting", "select set_config($1, $2, true)")
}
