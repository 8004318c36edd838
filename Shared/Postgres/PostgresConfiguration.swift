/// The configuration of a ``PostgresPool``: the database, the number of connections, and limits.
public struct PostgresConfiguration: Sendable {
  /// The connection string: `postgres://…` or `key=value …`, as libpq accepts it.
  public var url: String
  /// The number of connections that calls of ``PostgresPool/query(_:_:under:)`` share; at least 1.
  public var connections: Int
  /// The maximum number of connections for transactions, snapshots and sessions; at least 1. They are made on demand and kept.
  public var exclusiveConnections: Int
  /// How long a statement may run before the server cancels it; zero for no limit.
  public var statementTimeout: Duration
  /// The `application_name` of the connections if the URL has none.
  public var applicationName: String
  /// How many statements may wait for an answer, and how many tasks for an exclusive connection; at least 1. The next one is rejected with
  /// a transient error.
  public var maximumWaiting: Int
  /// How long a statement may wait to be sent, for example while the server restarts, and how long a task may wait for an exclusive
  /// connection.
  public var maximumWait: Duration
  /// How many statements may be in flight on one shared connection; at least 1. Further statements wait in the process.
  public var pipelineDepth: Int
  /// How long one attempt to connect may take.
  public var connectTimeout: Duration
  /// How the server plans the statements.
  public var planning: Planning

  /// How the server plans the statements.
  public enum Planning: Sendable {
    /// As the server is configured.
    case adaptive
    /// With one generic plan for all parameters that uses indexes only. For a process whose statements all have an index, and run so often
    /// that planning costs more than execution. A plan made while a table was empty remains good when the table is large.
    case onceByIndex
  }

  /// Makes a configuration; each parameter sets the property of the same name.
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
