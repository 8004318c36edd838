/// The settings that every service has.
public enum CommonSettings {
  /// In the order in which `--help` lists them.
  public static let all: [Setting] =
    [.configurationFile]
    + kafka
    + [.sessionTimeout, .databaseURL, .databaseConnections]
    + [.replica, .logLevel, .healthHost, .healthPort, .shutdownSeconds, .insecureDefaults]

  /// What a process needs to talk to Kafka and to make its topics.
  public static let kafka: [Setting] = [.kafka, .kafkaProperties, .pauseEmptyFetches, .topicPartitions, .topicReplication]
}

extension Setting {
  public static let configurationFile = Setting(
    key: "config.file", help: "A JSON file with settings, by their keys. The environment wins over it.")
  public static let kafka = Setting(
    key: "kafka", help: "The Kafka brokers to start from: host:port, several separated by commas.", required: true)
  public static let kafkaProperties = Setting(
    key: "kafka.properties",
    help: "Properties of librdkafka, such as security.protocol=SASL_SSL,sasl.username=rollcall; they win over the suite's own.",
    isSecret: true)
  public static let pauseEmptyFetches = Setting(
    key: "kafka.pause-empty-fetches", default: "false",
    help:
      "Whether consumers pause after empty fetches: for brokers without fetch.wait.max.ms, such as the local suite's. Not for Apache "
      + "Kafka.",
    kind: .flag)
  public static let sessionTimeout = Setting(
    key: "kafka.session-timeout", default: "12s",
    help:
      "How long a replica may be away before the others take over its partitions: longer than a restart takes, and at least "
      + "\(SessionTimeout.rebalance) shorter than request.deadline. The same for all services.",
    kind: .duration)
  public static let databaseURL = Setting(
    key: "database.url", help: "The PostgreSQL database: postgres://user:password@host/name, or key=value pairs, as libpq takes them.",
    isSecret: true, required: true)
  public static let databaseConnections = Setting(
    key: "database.connections", default: "4", help: "Connections that this process's queries share.", kind: .integer(1...1000))
  public static let replica = Setting(
    key: "replica",
    help: "Which of several copies of the service this is, from 0. Default: the number behind the last hyphen of HOSTNAME, else 0.",
    kind: .integer(0...9999))
  public static let logLevel = Setting(
    key: "log.level", default: "info", help: "The least severe level that is logged.",
    kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
  public static let healthHost = Setting(
    key: "health.host", default: "0.0.0.0", help: "The address that /livez, /readyz and /metrics listen on.")
  public static let healthPort = Setting(
    key: "health.port", default: "9000", help: "The port that /livez, /readyz and /metrics listen on; 0 for any that is free.", kind: .port)
  public static let shutdownSeconds = Setting(
    key: "shutdown.seconds", default: "25",
    help: "How long the process may take after SIGTERM to finish what is in flight.", kind: .duration)
  public static let insecureDefaults = Setting(
    key: "insecure.defaults", default: "false",
    help: "Start with secrets that stand in examples, or are short enough to guess; to try things out, on one machine.", kind: .flag)
  public static let topicPartitions = Setting(
    key: "topic.partitions", default: "12", help: "Partitions of a topic that is missing and gets created.", kind: .integer(1...10_000))
  public static let topicReplication = Setting(
    key: "topic.replication", default: "-1", help: "Replicas of a topic that gets created; -1 for the brokers' default.",
    kind: .integer(-1...100))
}
