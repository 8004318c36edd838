/// Work for a connection, and the promise of its outcome.
final class Request: Sendable {
  enum Work: Sendable {
    /// Statements that are sent together and fail together: one pipeline, ended by one sync.
    case commands([Command])
    /// Any number of statements as text, without parameters or results. Only on an exclusive connection, since nothing else can be in
    /// flight meanwhile.
    case script(name: String, sql: String)
  }

  /// A statement with its encoded parameters.
  struct Command: Sendable {
    let statement: Statement
    let parameters: EncodedParameters

    /// - Throws: `PostgresError` if a parameter cannot be encoded.
    init(_ statement: Statement, _ parameters: [PostgresValue]) throws(PostgresError) {
      self.statement = statement
      self.parameters = try EncodedParameters(parameters, of: statement)
    }

    /// A statement without parameters.
    init(_ statement: Statement) {
      self.statement = statement
      parameters = .none
    }
  }

  let work: Work
  /// Whether the request may be sent again if the server reports a stale plan. True only for a request that is its own transaction.
  let isRepeatable: Bool
  /// Whether the connection counts as lost if the server does not answer for longer than the statement timeout.
  let hasTimeLimit: Bool
  let created = ContinuousClock.now
  let outcome = Promise<[Rows]>()

  init(_ work: Work, isRepeatable: Bool = false, hasTimeLimit: Bool = true) {
    self.work = work
    self.isRepeatable = isRepeatable
    self.hasTimeLimit = hasTimeLimit
  }

  /// Whether it is a script, which needs the connection for itself.
  var isScript: Bool {
    if case .script = work { true } else { false }
  }

  /// The name of the first statement, for errors that concern the whole request.
  var name: String {
    switch work {
    case .commands(let commands): commands.first?.statement.name ?? ""
    case .script(let name, _): name
    }
  }
}

extension [Rows] {
  /// The rows of a request's last command, `statement`.
  ///
  /// - Throws: `PostgresError` if there are none.
  func last(of statement: Statement) throws(PostgresError) -> Rows {
    guard let rows = last else { throw .connection("the server gave no answer").named(statement.name) }
    return rows
  }
}
