/// The settings that all services have.
public enum CommonSettings {
  /// In the order in which `--help` lists them.
  public static let all: [Setting] =
    [.configurationFile]
    + kafka
    + [.sessionTimeout, .databaseURL, .databaseConnections]
    + [.replica, .logLevel, .healthHost, .healthPort, .shutdownSeconds, .insecureDefaults] + .tracing

  /// The settings of a Kafka client that may create topics.
  public static let kafka: [Setting] = [.kafka, .kafkaProperties, .pauseEmptyFetches, .topicPartitions, .topicReplication]
}

extension Setting {
  /// The path of the configuration file.
  public static let configurationFile = Setting(
    key: "config.file", help: "A JSON file with settings by their keys. Environment variables take precedence.")
  /// The Kafka bootstrap servers.
  public static let kafka = Setting(
    key: "kafka", help: "The Kafka bootstrap servers: host:port, separated by commas.", required: true)
  /// Additional librdkafka properties.
  public static let kafkaProperties = Setting(
    key: "kafka.properties",
    help: "librdkafka properties, such as security.protocol=SASL_SSL,sasl.username=rollcall. They take precedence over Rollcall's "
      + "own.",
    isSecret: true)
  /// Whether consumers pause after empty fetches.
  public static let pauseEmptyFetches = Setting(
    key: "kafka.pause-empty-fetches", default: "false",
    help: "Pause consumers after empty fetches. For brokers without fetch.wait.max.ms, such as the local suite's; not for Apache "
      + "Kafka.",
    kind: .flag)
  /// The session timeout of consumers.
  public static let sessionTimeout = Setting(
    key: "kafka.session-timeout", default: "12s",
    help: "How long a replica may be unreachable before other replicas take over its partitions. Longer than a restart takes, and "
      + "at least \(SessionTimeout.rebalance) shorter than request.deadline. The same for all services.",
    kind: .duration)
  /// The PostgreSQL connection string.
  public static let databaseURL = Setting(
    key: "database.url", help: "The PostgreSQL database: postgres://user:password@host/name, or key=value pairs as libpq accepts them.",
    isSecret: true, required: true)
  /// The number of shared PostgreSQL connections.
  public static let databaseConnections = Setting(
    key: "database.connections", default: "4", help: "The number of connections that the queries of this process share.",
    kind: .integer(1...1000))
  /// The number of the replica.
  public static let replica = Setting(
    key: "replica",
    help: "The number of this replica, from 0: unique within the service and the same after a restart. Default: the number after "
      + "the last hyphen of HOSTNAME, else 0.",
    kind: .integer(0...9999))
  /// The minimum log level.
  public static let logLevel = Setting(
    key: "log.level", default: "info", help: "The minimum level of log messages.",
    kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
  /// The address of the health server.
  public static let healthHost = Setting(
    key: "health.host", default: "0.0.0.0", help: "The address on which /livez, /readyz and /metrics listen.")
  /// The port of the health server.
  public static let healthPort = Setting(
    key: "health.port", default: "9000", help: "The port on which /livez, /readyz and /metrics listen; 0 for any free port.", kind: .port)
  /// The time limit of a graceful shutdown.
  public static let shutdownSeconds = Setting(
    key: "shutdown.seconds", default: "25",
    help: "How long the process may take after SIGTERM to finish work in flight.", kind: .duration)
  /// Whether example secrets and short keys are permitted.
  public static let insecureDefaults = Setting(
    key: "insecure.defaults", default: "false",
    help: "Start even if a secret is a published example or a key is short enough to guess. For trials on one machine only.", kind: .flag)
  /// The number of partitions of new topics.
  public static let topicPartitions = Setting(
    key: "topic.partitions", default: "12", help: "The number of partitions of topics that Rollcall creates.", kind: .integer(1...10_000))
  /// The replication factor of new topics.
  public static let topicReplication = Setting(
    key: "topic.replication", default: "-1", help: "The replication factor of topics that Rollcall creates; -1 for the broker's default.",
    kind: .integer(-1...100))
}
