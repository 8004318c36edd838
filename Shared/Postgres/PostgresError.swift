/// Why a statement, or the connection it needed, failed.
public struct PostgresError: Error, Sendable, Hashable {
  /// The five characters of PostgreSQL's appendix A, for example `23505`; empty where not the server but the connection failed.
  public var sqlState: String
  public var message: String
  public var detail: String?
  public var hint: String?
  /// The constraint that was violated.
  public var constraint: String?
  /// The name of the ``Statement``.
  public var statement: String?
  /// Where in the SQL text the server saw the error, in characters from 1.
  public var position: Int?
  /// Whether the connection ended after the statement was sent and before the server had answered: what it does may be done or not.
  public var isOutcomeUnknown: Bool
  /// Whether no try will do better, though no server said so: the configuration itself is wrong.
  var isPermanent = false
  /// Whether the server no longer had the statement as it was prepared; it is prepared anew at its next use.
  var isPlanStale = false

  /// An error as a server would report it.
  public init(
    sqlState: String, message: String, detail: String? = nil, hint: String? = nil, constraint: String? = nil, statement: String? = nil,
    position: Int? = nil, isOutcomeUnknown: Bool = false
  ) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.constraint = constraint
    self.statement = statement
    self.position = position
    self.isOutcomeUnknown = isOutcomeUnknown
  }
}

extension PostgresError {
  /// Whether the same again, later or on another connection, may succeed: the connection was lost or could not be had, the server is
  /// starting or stopping, has too many connections, or chose this transaction as the victim of a deadlock or serialization failure.
  public var isTransient: Bool {
    switch sqlState {
    case _ where isPlanStale: true
    case "": !isPermanent
    case "40001", "40P01", "53300", "57P01", "57P02", "57P03", "57P05", "25P03": true
    default: sqlState.hasPrefix("08")
    }
  }

  /// Whether the server cannot take the very values of the statement, and would refuse them every time: SQLSTATE classes 22 (data
  /// exception) and 23 (integrity constraint violation).
  public var isAboutData: Bool { sqlState.hasPrefix("22") || sqlState.hasPrefix("23") }

  /// Whether the values are larger than the server can store or index: SQLSTATE class 54 (program limit exceeded).
  public var isAboutSize: Bool { sqlState.hasPrefix("54") }

  /// Whether a row with the same key is there already.
  public var isUniqueViolation: Bool { sqlState == "23505" }

  /// Whether the statement took longer than the time it may take, or was cancelled on the server.
  public var isTimeout: Bool { sqlState == "57014" }
}

extension PostgresError: CustomStringConvertible {
  public var description: String {
    var text = message
    if !sqlState.isEmpty { text += " (SQLSTATE \(sqlState))" }
    if let statement { text = "\(statement): \(text)" }
    if let constraint { text += "; constraint \(constraint)" }
    if let detail { text += "; \(detail)" }
    if let hint { text += "; hint: \(hint)" }
    if isOutcomeUnknown { text += "; whether it was carried out is unknown" }
    return text
  }
}

extension PostgresError {
  /// The connection was lost, or could not be had.
  static func connection(_ message: String, statement: Statement? = nil, isOutcomeUnknown: Bool = false) -> PostgresError {
    PostgresError(sqlState: "", message: message, statement: statement?.name, isOutcomeUnknown: isOutcomeUnknown)
  }

  /// The connection was lost between the commit and its answer.
  static func commitOutcomeUnknown(_ cause: PostgresError) -> PostgresError {
    var error = cause
    error.message = "the connection was lost during the commit: \(cause.message)"
    error.statement = "commit"
    error.isOutcomeUnknown = true
    return error
  }

  /// Refused before it was sent, with the code that the server would use.
  static func refused(_ sqlState: String, _ message: String, statement: Statement) -> PostgresError {
    PostgresError(sqlState: sqlState, message: message, statement: statement.name)
  }

  /// The configuration cannot work with any server.
  static func configuration(_ message: String) -> PostgresError {
    var error = PostgresError(sqlState: "", message: message)
    error.isPermanent = true
    return error
  }

  /// The same, about `statement` where it says nothing else.
  func named(_ statement: String) -> PostgresError {
    var error = self
    error.statement = error.statement ?? statement
    return error
  }
}

/// A column does not hold what the code that reads it expects.
public struct PostgresDecodingError: Error, Sendable, Hashable {
  /// The name of the ``Statement``.
  public var statement: String
  /// The column's position, from 0.
  public var column: Int
  /// The column's name; empty where there is no such column.
  public var name: String
  /// What the code reads, for example `uuid`.
  public var expected: String
  /// What the server sent, for example `null`.
  public var found: String
}

extension PostgresDecodingError: CustomStringConvertible {
  public var description: String {
    "\(statement): column \(column)\(name.isEmpty ? "" : " (\(name))") should be \(expected) but is \(found)"
  }
}
