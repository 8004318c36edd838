/// An error of a statement, or of the connection that it needed.
public struct PostgresError: Error, Sendable, Hashable {
  /// The SQLSTATE (PostgreSQL documentation, appendix A), for example `23505`; empty if the connection failed rather than the statement.
  public var sqlState: String
  /// The server's primary message, or the reason why there is no connection.
  public var message: String
  /// The server's secondary message.
  public var detail: String?
  /// The server's suggestion.
  public var hint: String?
  /// The constraint that was violated.
  public var constraint: String?
  /// The name of the ``Statement``.
  public var statement: String?
  /// The position of the error in the SQL text, in characters from 1.
  public var position: Int?
  /// Whether the connection ended after the statement was sent and before the server answered: it may have been executed or not.
  public var isOutcomeUnknown: Bool
  /// Whether retries cannot succeed because the configuration is wrong.
  var isPermanent = false
  /// Whether the prepared statement was missing or out of date on the server. It is prepared again on its next use.
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
  /// Whether a retry, later or on another connection, may succeed: there is no connection, the server is starting or stopping, has too
  /// many connections or a full disk, or the transaction was the victim of a deadlock or serialization failure.
  public var isTransient: Bool {
    switch sqlState {
    case _ where isPlanStale: true
    case "": !isPermanent
    case "40001", "40P01", "53100", "53300", "57P01", "57P02", "57P03", "57P05", "25P03": true
    default: sqlState.hasPrefix("08")
    }
  }

  /// Whether the server rejects the values of the statement, and would reject them again: SQLSTATE classes 22 (data exception) and 23
  /// (integrity constraint violation).
  public var isAboutData: Bool { sqlState.hasPrefix("22") || sqlState.hasPrefix("23") }

  /// Whether the values are larger than the server can store or index: SQLSTATE class 54 (program limit exceeded).
  public var isAboutSize: Bool { sqlState.hasPrefix("54") }

  /// Whether a row with the same unique key exists.
  public var isUniqueViolation: Bool { sqlState == "23505" }

  /// Whether the statement exceeded the statement timeout, or was cancelled on the server.
  public var isTimeout: Bool { sqlState == "57014" }
}

extension PostgresError: CustomStringConvertible {
  /// All fields in one line, for logs.
  public var description: String {
    var text = message
    if !sqlState.isEmpty { text += " (SQLSTATE \(sqlState))" }
    if let statement { text = "\(statement): \(text)" }
    if let constraint { text += "; constraint \(constraint)" }
    if let detail { text += "; \(detail)" }
    if let hint { text += "; hint: \(hint)" }
    if isOutcomeUnknown { text += "; whether it was executed is unknown" }
    return text
  }
}

extension PostgresError {
  /// The connection was lost, or could not be made.
  static func connection(_ message: String, statement: Statement? = nil, isOutcomeUnknown: Bool = false) -> PostgresError {
    PostgresError(sqlState: "", message: message, statement: statement?.name, isOutcomeUnknown: isOutcomeUnknown)
  }

  /// A connection is closed because the task that used it was cancelled.
  static let taskCancelled = connection("the task that used the connection was cancelled")

  /// The connection was lost after the commit was sent and before its answer.
  static func commitOutcomeUnknown(_ cause: PostgresError) -> PostgresError {
    var error = cause
    error.message = "the connection was lost during the commit: \(cause.message)"
    error.statement = "commit"
    error.isOutcomeUnknown = true
    return error
  }

  /// Rejected before it was sent, with the code that the server would use.
  static func refused(_ sqlState: String, _ message: String, statement: Statement) -> PostgresError {
    PostgresError(sqlState: sqlState, message: message, statement: statement.name)
  }

  /// The configuration is invalid; retries do not help.
  static func configuration(_ message: String) -> PostgresError {
    var error = PostgresError(sqlState: "", message: message)
    error.isPermanent = true
    return error
  }

  /// A copy with the name of a statement, unless it has one.
  func named(_ statement: String) -> PostgresError {
    var error = self
    error.statement = error.statement ?? statement
    return error
  }
}

/// A column has another type than the code expects, or is null.
public struct PostgresDecodingError: Error, Sendable, Hashable {
  /// The name of the ``Statement``.
  public var statement: String
  /// The column's position, from 0.
  public var column: Int
  /// The column's name; empty if the result has no such column.
  public var name: String
  /// The type that the code reads, for example `uuid`.
  public var expected: String
  /// What the server sent, for example `null`.
  public var found: String
}

extension PostgresDecodingError: CustomStringConvertible {
  /// The statement, the column, and both types, for logs.
  public var description: String {
    "\(statement): column \(column)\(name.isEmpty ? "" : " (\(name))") should be \(expected) but is \(found)"
  }
}
