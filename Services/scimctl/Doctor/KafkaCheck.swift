import Kafka
import Logging
import Models
import ServiceKit

/// Checks Kafka: topics and their settings, and the progress of each consumer group.
struct KafkaCheck: Sendable {
  let inspection: ClusterInspection
  /// The bootstrap servers, for the commands of the findings.
  let brokers: String
  /// The configured number of partitions.
  let partitions: Int
  /// How long a consumer group with a lag is observed.
  var observationTime = Duration.seconds(3)

  /// The consumer groups of the services, with their topics.
  static let groups: [(name: String, service: String, topics: [Topic])] = [
    ("identity-store", "identity-store", [.identityCommands]),
    ("provisioning-log", "identity-store", [.provisioningLog]),
    ("invitation-mailer", "invitation-mailer", [.identityEvents, .signInEvents, .mailEvents]),
    ("group-sync", "group-sync", [.identityEvents]),
  ]

  /// Every topic that a service creates.
  static let topics = Topic.all
  /// The dead-letter topics.
  static let deadLetters = ["identity-store", "invitation-mailer", "group-sync"].map { Topic.deadLetters(of: $0) }

  /// The largest lag, in messages, of a group that is keeping up.
  private static let tolerableLag: Int64 = 1000

  /// Runs the checks.
  ///
  /// - Throws: `KafkaError`.
  func findings() async throws -> [Finding] {
    let found = try await inspection.topics(Self.topics)
    var findings = Self.topics.flatMap { topic(of: $0, found[$0.name]) }
    if findings.isEmpty { findings = [.ok("topics", "all \(found.count) exist, with their settings")] }
    for group in Self.groups {
      let existing = group.topics.reduce(into: [String: Int]()) { $0[$1.name] = found[$1.name]?.partitions }
      guard !existing.isEmpty else { continue }
      findings.append(try await progress(of: group.name, group.service, existing))
    }
    return findings
  }

  /// The problems of a topic.
  func topic(of topic: Topic, _ found: ClusterInspection.FoundTopic?) -> [Finding] {
    let settings = topic.settings.map { "\($0.name)=\($0.value)" }
    guard let found else {
      return [
        .fail(
          "topics", "'\(topic.name)' is missing",
          fix: """
            kafka-topics.sh --bootstrap-server \(brokers) --create --topic \(topic.name) --partitions \(partitions) \
            \(settings.map { "--config \($0)" }.joined(separator: " ")); or restart the service that uses it, which creates it
            """)
      ]
    }
    var findings: [Finding] = []
    if found.partitions < partitions {
      findings.append(
        .warn(
          "topics", "'\(topic.name)' has \(found.partitions) partitions, but \(partitions) are configured",
          fix: """
            kafka-topics.sh --bootstrap-server \(brokers) --alter --topic \(topic.name) --partitions \(partitions), with the services \
            stopped and all messages read; see ops/runbook.md, Adding partitions
            """
        ))
    }
    if found.partitions > partitions {
      findings.append(
        .warn(
          "topics", "'\(topic.name)' has \(found.partitions) partitions, but \(partitions) are configured",
          fix: """
            set ROLLCALL_TOPIC_PARTITIONS=\(found.partitions) for every service and scimctl, so that a topic that is created again has the \
            same number; see ops/runbook.md, Adding partitions
            """))
    }
    for (name, wanted) in topic.settings {
      guard let value = found.settings[name].flatMap({ Int($0) }), value >= 0, value < wanted else { continue }
      findings.append(
        .fail(
          "topics", "'\(topic.name)' has \(name)=\(value), less than the required \(wanted)",
          fix: """
            kafka-configs.sh --bootstrap-server \(brokers) --alter --entity-type topics --entity-name \(topic.name) --add-config \
            \(name)=\(wanted)
            """))
    }
    return findings
  }

  private func progress(of group: String, _ service: String, _ topics: [String: Int]) async throws -> Finding {
    let before = try await inspection.positions(of: group, on: topics)
    guard before.values.contains(where: { $0.lag > 0 }) else { return Self.assess(group, service, before, before) }
    try await Task.sleep(for: observationTime)
    return Self.assess(group, service, before, try await inspection.positions(of: group, on: topics))
  }

  /// Assesses the progress of a consumer group.
  ///
  /// - Parameters:
  ///   - before: The positions at first.
  ///   - after: The positions a little later.
  static func assess(
    _ group: String, _ service: String, _ before: [TopicPartition: ClusterInspection.Position],
    _ after: [TopicPartition: ClusterInspection.Position]
  ) -> Finding {
    let skipping = after.filter { $0.value.isOutOfRange }
    guard skipping.isEmpty else {
      let topics = Set(skipping.keys.map(\.topic))
      return .fail(
        "consumers",
        """
        \(group) cannot continue at its position on \(skipping.count) of \(after.count) partitions of \
        \(topics.sorted().joined(separator: ", ")): messages were deleted before it read them
        """,
        fix: topics.contains(Topic.identityEvents.name)
          ? "start \(service), which requests the state again by itself; or run scimctl rebuild"
          : "start \(service), which continues at the first remaining message; see ops/runbook.md, RollcallMessagesSkipped")
    }
    let lag = after.values.reduce(0) { $0 + $1.lag }
    guard lag > 0 else { return .ok("consumers", "\(group) has read all messages") }
    // Partitions that had a lag at both times and no commit in between.
    let stuck = after.filter { partition, position in
      position.lag > 0 && (before[partition]?.lag ?? 0) > 0 && before[partition]?.committed == position.committed
    }
    guard stuck.isEmpty else {
      let behind = stuck.values.reduce(0) { $0 + $1.lag }
      return .fail(
        "consumers", "\(group) makes no progress on \(stuck.count) of \(after.count) partitions, with a lag of \(behind) messages",
        fix: "its /readyz and its log say why, and 'scimctl top --direct --once' shows statements that wait for a lock. Otherwise restart "
          + "\(service) (here: ops/restart \(service))")
    }
    guard lag > tolerableLag else { return .ok("consumers", "\(group) is making progress, \(lag) messages behind") }
    return .warn(
      "consumers", "\(group) is making progress, but is \(lag) messages behind",
      fix: "if the lag grows, start another \(service) with the next ROLLCALL_REPLICA")
  }
}
