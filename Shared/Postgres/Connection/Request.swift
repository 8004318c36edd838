/// Something to be done on a connection, and the task that waits for it.
final class Request: Sendable {
  enum Work: Sendable {
    /// Statements that are sent together and fail together: one pipeline, ended by one sync.
    case commands([Command])
    /// Any number of statements as text, without parameters or results. Only on an exclusive connection, since the connection's thread
    /// does nothing else meanwhile.
    case script(name: String, sql: String)
  }

  struct Command: Sendable {
    var statement: Statement
    var parameters: EncodedParameters
  }

  let work: Work
  /// Whether nothing is lost by sending it again when the server says that it did not begin it, since its transaction is its own.
  let isRepeatable: Bool
  /// Whether a server that is silent for too long counts as lost.
  let hasTimeLimit: Bool
  let created = ContinuousClock.now
  let outcome = Promise<[Rows]>()

  init(_ work: Work, isRepeatable: Bool = false, hasTimeLimit: Bool = true) {
    self.work = work
    self.isRepeatable = isRepeatable
    self.hasTimeLimit = hasTimeLimit
  }

  /// The name of the statement that comes first, for errors that are about all of them.
  var name: String {
    switch work {
    case .commands(let commands): commands.first?.statement.name ?? ""
    case .script(let name, _): name
    }
  }
}
