import Foundation
import Models

/// Checks that the tables with a partition for each day have those of today and tomorrow (UTC).
struct PartitionCheck: Sendable {
  /// A partition that exists.
  struct Partition: Sendable, Equatable {
    var table: String
    /// The table and the day: `events_20260131`.
    var name: String
  }

  /// The name of the check.
  private let check: String
  private let table: String
  /// What happens without the partitions, as the end of a sentence.
  private let consequence: String
  private let fix: String
  /// Whether rows cannot be stored without the partition of their day.
  private let isRequired: Bool

  /// One check for each table.
  private static let all = [
    PartitionCheck(
      check: "log-partitions", table: "provisioning_log",
      consequence: "entries of the log wait until identity-store can create the partition",
      fix: "psql <as the owner> -c 'select * from identity.maintain_provisioning_log(7, 3, 30)'",
      isRequired: true),
    PartitionCheck(
      check: "event-partitions", table: "events",
      consequence: "events are kept in the default partition, which is not dropped with a day, and reads become slow",
      fix: "restart group-sync; its log says why it cannot create partitions. A day whose events are in the default partition gets none",
      isRequired: false),
    PartitionCheck(
      check: "delivery-partitions", table: "webhook_deliveries",
      consequence: "the delivery log of webhooks is kept in the default partition, which is not dropped with a day",
      fix: "restart group-sync; its log says why it cannot create partitions. A day whose rows are in the default partition gets none",
      isRequired: false),
  ]

  /// The findings about all tables.
  ///
  /// - Parameter partitions: The existing partitions of all tables.
  static func findings(_ partitions: [Partition], at now: Date) -> [Finding] {
    all.map { check in check.finding(partitions.filter { $0.table == check.table }.map(\.name), at: now) }
  }

  private func finding(_ names: [String], at now: Date) -> Finding {
    let missing = [0.0, 1.0].map { name(at: now + $0 * 86_400) }.filter { !names.contains($0) }
    guard !missing.isEmpty else { return .ok(check, "\(names.count) partitions, including today's and tomorrow's") }
    let message = "\(table) has no partition \(missing.joined(separator: " and ")): \(consequence)"
    return isRequired ? .fail(check, message, fix: fix) : .warn(check, message, fix: fix)
  }

  private func name(at day: Date) -> String { "\(table)_" + Timestamp.text(day).prefix(10).replacing("-", with: "") }
}
