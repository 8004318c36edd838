/// The connection settings that all Kafka clients of a process share.
public struct KafkaConfiguration: Sendable {
  /// `host:port`, several separated by commas (librdkafka's `bootstrap.servers`).
  public var bootstrapServers: String
  /// The name of this process in the brokers' logs, quotas and errors: `scim-api-0`.
  public var clientID: String
  /// Additional librdkafka properties, such as `security.protocol`. They override the properties that this module sets.
  public var properties: [String: String]
  /// Whether consumers pause after empty fetches, for brokers that do not implement `fetch.wait.max.ms`. Apache Kafka does not need it.
  public var pausesEmptyFetches: Bool

  /// Creates a configuration for the brokers at `bootstrapServers`.
  public init(bootstrapServers: String, clientID: String, properties: [String: String] = [:], pausesEmptyFetches: Bool = false) {
    self.bootstrapServers = bootstrapServers
    self.clientID = clientID
    self.properties = properties
    self.pausesEmptyFetches = pausesEmptyFetches
  }

  /// The properties of a client: the common ones, overridden by those of its kind, overridden by those of the operator.
  func properties(for kind: [String: String]) -> [String: String] {
    Self.common
      .merging(["bootstrap.servers": bootstrapServers, "client.id": clientID]) { _, new in new }
      .merging(kind) { _, new in new }
      .merging(properties) { _, new in new }
  }

  /// Reconnects to a restarted broker within a second, and sends small requests at once.
  private static let common = [
    "reconnect.backoff.ms": "50",
    "reconnect.backoff.max.ms": "1000",
    "retry.backoff.ms": "100",
    "socket.connection.setup.timeout.ms": "5000",
    "socket.keepalive.enable": "true",
    "socket.nagle.disable": "true",
    "log.connection.close": "false",
    "allow.auto.create.topics": "false",
  ]
}
