import Foundation
import Kafka
import Models
import Outbox
import Postgres

/// Makes Kafka and the event log agree with a database that was restored to an earlier moment.
///
/// The offsets of the consumer groups are in Kafka, and are later than the restored database. The events that it does not contain describe a
/// state that is lost: a consumer that read them would later ignore the versions that are given again. All other messages are read again
/// from the offsets that the database has recorded, so that sign-ins and reports since then are not lost.
struct RestoredDatabase: Sendable {
  let pool: PostgresPool
  let inspection: ClusterInspection
  /// How long to wait until the brokers no longer count stopped services as members of their groups.
  var patience = Duration.seconds(90)

  private static let pause = Duration.seconds(1)

  /// Where each consumer group continues, and what was done, as lines for the operator.
  ///
  /// - Throws: ``ScimctlError`` while services run; `KafkaError`; `PostgresError`.
  func reconcile() async throws -> [String] {
    try await requireStoppedServices()
    var lines: [String] = []
    let found = try await inspection.topics(KafkaCheck.topics)
    for group in KafkaCheck.groups {
      let existing = group.topics.reduce(into: [String: Int]()) { $0[$1.name] = found[$1.name]?.partitions }
      guard !existing.isEmpty else { continue }
      let recorded = try await ConsumerHistory(pool: pool, schema: Self.schema(of: group.service), consumer: group.name).offsets()
      let positions = try await inspection.positions(of: group.name, on: existing)
      var changes: [TopicPartition: Int64] = [:]
      for (partition, position) in positions {
        let isRestated = partition.topic == Topic.identityEvents.name
        changes[partition] = Self.offset(at: position, recorded: recorded[partition], isRestated: isRestated)
      }
      guard !changes.isEmpty else { continue }
      try await commit(changes, of: group.name)
      lines += Self.lines(of: group.name, changes, positions)
    }
    try await renewEpoch()
    lines.append("The event log has a new epoch: cursors of products get 410, and the products load a snapshot")
    return lines
  }

  /// The offset at which a group continues; nil to leave it as it is.
  ///
  /// - Parameters:
  ///   - recorded: The offset in the restored database; nil if it has none.
  ///   - isRestated: Whether `scimctl rebuild` publishes the content of the topic again.
  static func offset(at position: ClusterInspection.Position, recorded: Int64?, isRestated: Bool) -> Int64? {
    let target: Int64
    if isRestated {
      target = position.high
    } else {
      // A topic that was lost too has forgotten the offsets of the group, or has fewer messages. The consumer finds that itself.
      guard position.committed != nil else { return nil }
      target = recorded ?? position.low
      guard target <= position.high else { return nil }
    }
    return target == position.committed || position.high == 0 ? nil : target
  }

  /// One line for each topic of a group.
  static func lines(
    of group: String, _ changes: [TopicPartition: Int64], _ positions: [TopicPartition: ClusterInspection.Position]
  ) -> [String] {
    Dictionary(grouping: changes.keys, by: \.topic).sorted { $0.key < $1.key }.map { topic, partitions in
      let difference = partitions.reduce(Int64(0)) { sum, partition in
        sum + (changes[partition] ?? 0) - (positions[partition]?.committed ?? positions[partition]?.low ?? 0)
      }
      return difference < 0
        ? "\(group) reads the last \(-difference) messages of \(topic) again" : "\(group) skips \(difference) messages of \(topic)"
    }
  }

  /// The schema in which a service records the offsets of its groups.
  private static func schema(of service: String) -> String {
    switch service {
    case "invitation-mailer": "mailer"
    case "group-sync": "directory"
    default: "identity"
    }
  }

  private func requireStoppedServices() async throws {
    let connected = try await pool.query(RecoveryQueries.connectedServices).map { try $0.string(0) }
    guard connected.isEmpty else {
      throw ScimctlError(.temporary, "\(connected.joined(separator: ", ")) still run: stop all services first")
    }
  }

  private func commit(_ offsets: [TopicPartition: Int64], of group: String) async throws {
    let deadline = ContinuousClock.now + patience
    while true {
      do {
        return try await inspection.commit(offsets, of: group)
      } catch let error as KafkaError where error.isAboutMembers && .now < deadline {
        try await Task.sleep(for: Self.pause)
      } catch let error as KafkaError where error.isAboutMembers {
        throw ScimctlError(.temporary, "the group '\(group)' still has members: stop all services, and run the command again (\(error))")
      }
    }
  }

  private func renewEpoch() async throws {
    _ = try await pool.query(RecoveryQueries.newEpoch)
  }
}

/// Statements of `scimctl recover`.
enum RecoveryQueries {
  /// The services that are connected to the database.
  static let connectedServices = Statement(
    "connected services",
    """
    select distinct split_part(application_name, ' ', 1) as name
    from pg_stat_activity
    where datname = current_database()
    and application_name ~ '^(scim-api|identity-store|invitation-mailer|group-sync)-[0-9]+( |$)'
    order by name
    """)

  /// Makes all cursors of the events API invalid.
  static let newEpoch = Statement(
    "new epoch",
    """
    update directory.event_log
    set epoch = gen_random_uuid()
    """)
}
