/// Which database, as whom, and how much of it one process may take.
public struct PostgresConfiguration: Sendable {
  /// `postgres://…` or `key=value …`, as libpq takes it.
  public var url: String
  /// The connections that all of ``PostgresPool/query(_:_:)`` share.
  public var connections: Int
  /// The connections for transactions and sessions, made when needed and kept.
  public var exclusiveConnections: Int
  /// How long the server lets a statement run before it cancels it; zero for no limit.
  public var statementTimeout: Duration
  /// What the server lists the connections as, where the URL does not say.
  public var applicationName: String
  /// How many statements may wait for an answer, and how many tasks for an exclusive connection; the next one is refused with a
  /// transient error.
  public var maximumWaiting: Int
  /// How long a statement may wait to be sent, for example while the server restarts, and a task for an exclusive connection.
  public var maximumWait: Duration
  /// How many statements may be under way on one shared connection. More of them wait their turn in the process instead.
  public var pipelineDepth: Int
  /// How long one try to connect may take.
  public var connectTimeout: Duration
  public var planning: Planning

  /// How the server plans the statements.
  public enum Planning: Sendable {
    /// As it is set up.
    case adaptive
    /// Once for all parameters, and by indexes alone: for those whose every statement has an index, and which run so often that planning
    /// costs more than they do. A plan made while a table was empty stays good when it is large.
    case onceByIndex
  }

  public init(
    url: String, connections: Int = 4, statementTimeout: Duration = .seconds(10), applicationName: String,
    maximumWaiting: Int = 10_000, exclusiveConnections: Int = 8, maximumWait: Duration = .seconds(10), pipelineDepth: Int = 128,
    connectTimeout: Duration = .seconds(5), planning: Planning = .adaptive
  ) {
    self.url = url
    self.connections = max(1, connections)
    self.exclusiveConnections = max(1, exclusiveConnections)
    self.statementTimeout = statementTimeout
    self.applicationName = applicationName
    self.maximumWaiting = max(1, maximumWaiting)
    self.maximumWait = maximumWait
    self.pipelineDepth = max(1, pipelineDepth)
    self.connectTimeout = connectTimeout
    self.planning = planning
  }
}
