/// The rows that a statement returned, and how many it changed.
public struct Rows: Sendable, RandomAccessCollection {
  let result: QueryResult

  public var startIndex: Int { 0 }
  public var endIndex: Int { result.rowCount }
  public subscript(position: Int) -> Row { Row(result: result, index: position) }

  /// The rows that the statement inserted, updated or deleted; for a query the rows it returned.
  public var affected: Int { result.affected }

  /// What the server says was done: `INSERT 0 1`.
  var commandTag: String { result.commandTag }
}
