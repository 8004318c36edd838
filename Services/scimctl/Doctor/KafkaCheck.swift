import Kafka
import Logging
import Models
import ServiceKit

/// What Kafka tells: topics and their settings, how far each service has read, and whether it goes on.
struct KafkaCheck: Sendable {
  let inspection: ClusterInspection
  let brokers: String
  /// How many partitions a topic is made with.
  let partitions: Int
  /// How long a group that is behind is watched.
  var patience = Duration.seconds(3)

  /// The consumer groups of the suite, with what they read.
  static let groups: [(name: String, service: String, topics: [Topic])] = [
    ("identity-store", "identity-store", [.identityCommands]),
    ("provisioning-log", "identity-store", [.provisioningLog]),
    ("invitation-mailer", "invitation-mailer", [.identityEvents, .signInEvents, .mailEvents]),
    ("group-sync", "group-sync", [.identityEvents]),
  ]

  /// Every topic that a service creates.
  static let topics = Topic.all
  static let deadLetters = ["identity-store", "invitation-mailer", "group-sync"].map { Topic.deadLetters(of: $0) }

  /// A group that is behind by no more is simply at work.
  private static let tolerableLag: Int64 = 1000

  func findings() async throws -> [Finding] {
    let found = try await inspection.topics(Self.topics)
    var findings = Self.topics.flatMap { topic(of: $0, found[$0.name]) }
    if findings.isEmpty { findings = [.ok("topics", "all \(found.count) are there, with their settings")] }
    for group in Self.groups {
      let there = group.topics.reduce(into: [String: Int]()) { $0[$1.name] = found[$1.name]?.partitions }
      guard !there.isEmpty else { continue }
      findings.append(try await standing(of: group.name, group.service, there))
    }
    return findings
  }

  /// What is wrong with a topic.
  func topic(of topic: Topic, _ found: ClusterInspection.FoundTopic?) -> [Finding] {
    let settings = topic.settings.map { "\($0.name)=\($0.value)" }
    guard let found else {
      return [
        .fail(
          "topics", "'\(topic.name)' is missing",
          mend: """
            kafka-topics.sh --bootstrap-server \(brokers) --create --topic \(topic.name) --partitions \(partitions) \
            \(settings.map { "--config \($0)" }.joined(separator: " ")); or restart the service that uses it, which makes it
            """)
      ]
    }
    var findings: [Finding] = []
    if found.partitions < partitions {
      findings.append(
        .warn(
          "topics", "'\(topic.name)' has \(found.partitions) partitions, and \(partitions) are configured",
          mend: """
            kafka-topics.sh --bootstrap-server \(brokers) --alter --topic \(topic.name) --partitions \(partitions), with the services \
            stopped and nothing left to read; ops/runbook.md, Adding partitions
            """
        ))
    }
    if found.partitions > partitions {
      findings.append(
        .warn(
          "topics", "'\(topic.name)' has \(found.partitions) partitions, and \(partitions) are configured",
          mend: """
            set ROLLCALL_TOPIC_PARTITIONS=\(found.partitions) for every service and scimctl, so that a topic that has to be created again has \
            as many; ops/runbook.md, Adding partitions
            """))
    }
    for (name, wanted) in topic.settings {
      guard let value = found.settings[name].flatMap({ Int($0) }), value >= 0, value < wanted else { continue }
      findings.append(
        .fail(
          "topics", "'\(topic.name)' has \(name)=\(value), less than the \(wanted) that is needed",
          mend: """
            kafka-configs.sh --bootstrap-server \(brokers) --alter --entity-type topics --entity-name \(topic.name) --add-config \
            \(name)=\(wanted)
            """))
    }
    return findings
  }

  private func standing(of group: String, _ service: String, _ topics: [String: Int]) async throws -> Finding {
    let before = try await inspection.positions(of: group, on: topics)
    guard before.values.contains(where: { $0.lag > 0 }) else { return Self.judge(group, service, before, before) }
    try await Task.sleep(for: patience)
    return Self.judge(group, service, before, try await inspection.positions(of: group, on: topics))
  }

  /// - Parameters:
  ///   - before: where the group stood.
  ///   - after: where it stands a little later.
  static func judge(
    _ group: String, _ service: String, _ before: [TopicPartition: ClusterInspection.Position],
    _ after: [TopicPartition: ClusterInspection.Position]
  ) -> Finding {
    let skipping = after.filter { $0.value.isOutOfRange }
    guard skipping.isEmpty else {
      let topics = Set(skipping.keys.map(\.topic))
      return .fail(
        "consumers",
        """
        \(group) cannot read on where it was on \(skipping.count) of \(after.count) partitions of \(topics.sorted().joined(separator: ", ")): \
        messages were deleted before they were read
        """,
        mend: topics.contains(Topic.identityEvents.name)
          ? "start \(service), which has the state published again by itself; or scimctl rebuild"
          : "start \(service), which goes on at the first message that is left; ops/runbook.md, Messages were skipped")
    }
    let lag = after.values.reduce(0) { $0 + $1.lag }
    guard lag > 0 else { return .ok("consumers", "\(group) has read everything") }
    // A partition that is behind, and was behind by then, and where nothing was committed meanwhile.
    let stuck = after.filter { partition, position in
      position.lag > 0 && (before[partition]?.lag ?? 0) > 0 && before[partition]?.committed == position.committed
    }
    guard stuck.isEmpty else {
      let behind = stuck.values.reduce(0) { $0 + $1.lag }
      return .fail(
        "consumers", "\(group) does not move on \(stuck.count) of \(after.count) partitions, with \(behind) messages before it",
        mend: "restart \(service) (here: ops/restart \(service)); its /readyz and its log say what it waits for")
    }
    guard lag > tolerableLag else { return .ok("consumers", "\(group) is at work, \(lag) messages behind") }
    return .warn(
      "consumers", "\(group) is at work, but \(lag) messages behind",
      mend: "start another \(service) with the next ROLLCALL_REPLICA, where the lag grows")
  }
}
