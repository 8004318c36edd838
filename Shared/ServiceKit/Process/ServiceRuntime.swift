import Kafka
import Logging
import Models
import Outbox
import Postgres

/// What a process has at hand when it makes its services.
public struct ServiceRuntime: Sendable {
  public let settings: ServiceSettings
  public let logger: Logger
  /// The name of the service, `scim-api`.
  public let name: String
  /// Which of several copies this is, from 0.
  public let replica: Int
  /// How to reach Kafka, with ``memberID`` as the client's id.
  public let kafka: KafkaConfiguration
  public let health: Health
  /// After how long without a sign of life other replicas take over this one's partitions.
  public let sessionTimeout: Duration

  init(settings: ServiceSettings, logger: Logger, replica: Int, health: Health) throws(SettingsError) {
    self.settings = settings
    self.logger = logger
    name = settings.service
    self.replica = replica
    self.health = health
    kafka = try settings.kafka(clientID: "\(settings.service)-\(replica)")
    sessionTimeout = try settings.sessionTimeout
  }

  /// The source of the process's messages, `scim-api/0`.
  public var instance: String { "\(name)/\(replica)" }

  /// The process's name as a member of consumer groups, `scim-api-0`: stable over a restart.
  public var memberID: String { "\(name)-\(replica)" }

  /// A pool of connections to the database of the settings.
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

  /// Makes the process unready while `consumer` has messages before it and completes none: a loop that hangs looks well from outside.
  public func watch(_ consumer: Consumer) {
    health.add("consumer \(consumer.group)") {
      consumer.standstill(longerThan: Self.standstillLimit, commitLimit: Self.commitLimit)
    }
  }

  /// Makes the process unready while `relay` cannot publish what waits in its outbox.
  public func watch(_ relay: OutboxRelay) {
    health.add("outbox \(relay.table)") { relay.standstill(longerThan: Self.standstillLimit) }
  }

  /// Twice what a transaction may take.
  private static let standstillLimit = Duration.seconds(10)
  /// Longer than any bulk, whose offsets wait for its last operation.
  private static let commitLimit = Duration.seconds(120)

  /// Creates those of the service's topics that are missing (``Topic/used(by:)``), and waits until that was possible, saying what it waits for.
  ///
  /// - Throws: `KafkaError` where waiting does not help; ``SettingsError``; `CancellationError`.
  public func ensureTopics() async throws {
    let topics = Topic.used(by: name)
    let partitions = try settings.integer(.topicPartitions)
    let replication = try settings.integer(.topicReplication)
    try await StartupWait(for: "Kafka's topics", health: health, logger: logger).end {
      do {
        try await TopicAdministration.ensure(
          topics, partitions: partitions, replication: replication, configuration: kafka, timeout: .seconds(10), logger: logger)
        return nil
      } catch let error as KafkaError where error.isRetriable {
        return "\(error)"
      }
    }
    health.setOccupation("making the services")
  }

  /// Watches over the service's topics, and makes the process unready while one is missing.
  ///
  /// - Throws: `KafkaError`; ``SettingsError``.
  func topicMonitor() throws -> TopicMonitor {
    let monitor = try TopicMonitor(
      Topic.used(by: name), partitions: try settings.integer(.topicPartitions), replication: try settings.integer(.topicReplication),
      configuration: kafka, logger: logger)
    health.add("topics") { monitor.problem }
    return monitor
  }

  /// The replica of the settings, else the number behind the last hyphen of the host's name, as Kubernetes numbers a StatefulSet's pods.
  static func replica(_ settings: ServiceSettings, hostName: String?) -> Int {
    if let text = settings.optionalString(.replica), let replica = Int(text) { return replica }
    // A container's name is hexadecimal digits and changes with every start, so a number at its end says nothing.
    guard let hostName, let hyphen = hostName.lastIndex(of: "-"), case let digits = hostName[hyphen...].dropFirst(),
      digits.allSatisfy({ $0.isASCII && $0.isNumber }), let replica = Int(digits), replica < 10_000
    else { return 0 }
    return replica
  }
}
