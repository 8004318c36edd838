import Kafka
import Logging
import Models
import Outbox
import Postgres

/// The environment of a service: settings, logger, health checks and connections, for the code that makes its parts.
public struct ServiceRuntime: Sendable {
  /// The settings of the process.
  public let settings: ServiceSettings
  /// The logger of the service.
  public let logger: Logger
  /// The name of the service, `scim-api`.
  public let name: String
  /// The number of the replica, from 0.
  public let replica: Int
  /// A number that spreads replicas over partitions: the number of the replica, or a hash of the host name if nothing numbers the replicas, as
  /// in a Kubernetes Deployment. Two replicas may have the same.
  public let distribution: Int
  /// The Kafka configuration, with ``memberID`` as the client id.
  public let kafka: KafkaConfiguration
  /// The health checks of the process.
  public let health: Health
  /// The session timeout of consumers: after it, other replicas take over the partitions of one that sends no heartbeats.
  public let sessionTimeout: Duration

  init(settings: ServiceSettings, logger: Logger, hostName: String?, health: Health) throws(SettingsError) {
    self.settings = settings
    self.logger = logger
    name = settings.service
    replica = Self.replica(settings, hostName: hostName)
    distribution = Self.distribution(settings, hostName: hostName)
    self.health = health
    kafka = try settings.kafka(clientID: "\(settings.service)-\(replica)")
    sessionTimeout = try settings.sessionTimeout
  }

  /// The source of the process's messages (`ce_source`), `scim-api/0`.
  public var instance: String { "\(name)/\(replica)" }

  /// The process's member id in consumer groups, `scim-api-0`; the same after a restart.
  public var memberID: String { "\(name)-\(replica)" }

  /// Makes a connection pool for the database of the settings.
  ///
  /// - Throws: ``SettingsError``.
  public func postgres(
    statementTimeout: Duration = .seconds(10), exclusiveConnections: Int = 8, planning: PostgresConfiguration.Planning = .adaptive
  ) throws -> PostgresPool {
    PostgresPool(
      PostgresConfiguration(
        url: try settings.string(.databaseURL), connections: try settings.integer(.databaseConnections),
        statementTimeout: statementTimeout, applicationName: memberID, exclusiveConnections: exclusiveConnections, planning: planning),
      logger: logger)
  }

  /// Makes the process unready while `consumer` has unread messages and completes none, to detect a loop that hangs.
  public func watch(_ consumer: Consumer) {
    health.add("consumer \(consumer.group)") {
      consumer.standstill(longerThan: Self.standstillLimit, commitLimit: Self.commitLimit)
    }
  }

  /// Makes the process unready while `relay` cannot publish the waiting rows of its outbox.
  public func watch(_ relay: OutboxRelay) {
    health.add("outbox \(relay.table)") { relay.standstill(longerThan: Self.standstillLimit) }
  }

  /// Twice the time limit of a transaction.
  private static let standstillLimit = Duration.seconds(10)
  /// Longer than any bulk request, whose offsets are committed after its last operation.
  private static let commitLimit = Duration.seconds(120)

  /// The replica number from the settings, or the number after the last hyphen of the host name (the ordinal of a Kubernetes StatefulSet's
  /// pod), or 0.
  static func replica(_ settings: ServiceSettings, hostName: String?) -> Int {
    number(settings, hostName: hostName) ?? 0
  }

  /// See ``distribution``.
  static func distribution(_ settings: ServiceSettings, hostName: String?) -> Int {
    if let number = number(settings, hostName: hostName) { return number }
    // FNV-1a. Swift's own hash differs in each process, so that a log could not be compared with another.
    let hash = (hostName ?? "").utf8.reduce(UInt32(2_166_136_261)) { hash, byte in (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int(hash % 10_000)
  }

  private static func number(_ settings: ServiceSettings, hostName: String?) -> Int? {
    if let text = settings.optionalString(.replica), let replica = Int(text) { return replica }
    // A container's host name is hexadecimal digits without a hyphen and changes with every start.
    guard let hostName, let hyphen = hostName.lastIndex(of: "-"), case let digits = hostName[hyphen...].dropFirst(),
      digits.allSatisfy({ $0.isASCII && $0.isNumber }), let replica = Int(digits), replica < 10_000
    else { return nil }
    return replica
  }
}
