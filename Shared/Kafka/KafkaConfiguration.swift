/// Where the brokers are and how to talk to them; shared by every client of a process.
public struct KafkaConfiguration: Sendable {
  /// `host:port`, several separated by commas (librdkafka's `bootstrap.servers`).
  public var bootstrapServers: String
  /// Names this process in the brokers' logs, quotas and errors, e.g. `scim-api-0`.
  public var clientID: String
  /// Any librdkafka property, such as `security.protocol`; wins over what this module sets.
  public var properties: [String: String]
  /// Whether consumers pause after empty fetches, for brokers that do not implement `fetch.wait.max.ms`; off for Apache Kafka.
  public var pausesEmptyFetches: Bool

  public init(bootstrapServers: String, clientID: String, properties: [String: String] = [:], pausesEmptyFetches: Bool = false) {
    self.bootstrapServers = bootstrapServers
    self.clientID = clientID
    self.properties = properties
    self.pausesEmptyFetches = pausesEmptyFetches
  }

  /// The properties of a client: what every client gets, then what its kind needs, then what the operator asks for.
  func properties(for kind: [String: String]) -> [String: String] {
    Self.common
      .merging(["bootstrap.servers": bootstrapServers, "client.id": clientID]) { _, new in new }
      .merging(kind) { _, new in new }
      .merging(properties) { _, new in new }
  }

  /// A broker that restarts should be found again within a second, and a request should not wait to be joined by another.
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
