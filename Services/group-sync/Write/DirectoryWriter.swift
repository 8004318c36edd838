import Kafka
import Models
import Outbox
import Postgres

/// Writes the decisions of a batch with set-based statements, in one pipeline with the commit.
///
/// The events are written to the log and to the outbox.
struct DirectoryWriter: Sendable {
  /// The source of published events: `group-sync/0`.
  let source: String
  /// Signs the security event tokens of receipts; nil if no signing key is set.
  let securityEvents: SecurityEvents?

  init(source: String, securityEvents: SecurityEvents? = nil) {
    self.source = source
    self.securityEvents = securityEvents
  }

  /// Writes the decisions of `decider`, commits, and publishes. Only tables that change take part.
  ///
  /// - Parameters:
  ///   - partitions: The partition from which the events of a workspace came.
  ///   - relay: Publishes the messages; nil to leave them in the outbox.
  /// - Returns: The messages of the events, in their order.
  func write(
    _ decider: Decider, partitions: [WorkspaceID: Int32], relay: OutboxRelay?, andCommit transaction: PostgresTransaction
  ) async throws -> ArraySlice<OutgoingMessage> {
    let directory = decider.directory
    let members = directory.writtenMembers.sorted().compactMap { directory.members[$0] }
    let groups = directory.writtenGroups.sorted().compactMap { directory.groups[$0] }
    let (added, removed) = (directory.memberships.added.sorted(), directory.memberships.removed.sorted())
    var steps: [(Statement, [PostgresValue])] = []
    if !members.isEmpty { steps.append((WriteStatements.members, columns(members))) }
    if !groups.isEmpty { steps.append((WriteStatements.groups, columns(groups))) }
    if !removed.isEmpty { steps.append((WriteStatements.deleteMemberships, removed.columns)) }
    if !added.isEmpty { steps.append((WriteStatements.insertMemberships, added.columns)) }
    if !decider.receipts.isEmpty { steps.append((WriteStatements.insertReceipts, try columns(decider.receipts))) }
    let events = decider.published.map(\.event)
    guard !events.isEmpty else {
      _ = try await transaction.pipeline(steps, commit: true)
      return []
    }
    var messages = try messages(decider.published)
    var workspaces = events.map(\.workspace)
    if let securityEvents {
      for receipt in decider.receipts {
        messages.append(try await securityEvents.message(for: receipt, source: source))
        workspaces.append(receipt.workspace)
      }
    }
    let appending = (WriteStatements.appendEvents, columns(messages, from: workspaces.map { partitions[$0] }) + columns(events))
    try await relay.publishing { [steps, messages] deletion in
      // The events come last, since their statement locks the log.
      let all = steps + deletion + [appending]
      let results = try await transaction.pipeline(all, commit: true)
      return ((), try Outbox.stored(messages, results[all.count - 1]))
    }
    return messages.prefix(events.count)
  }

  /// The columns of the outbox.
  private func columns(_ messages: [OutgoingMessage], from partitions: [Int32?]) -> [PostgresValue] {
    [
      .textArray(messages.map(\.topic)),
      .bytesArray(messages.map(\.key)),
      .textArray(messages.map { PostgresValue.arrayLiteral($0.headers.flatMap { [$0.name, $0.value] }) }),
      .bytesArray(messages.map(\.value)),
      .textArray(partitions.map { $0.map(String.init) }),
    ]
  }

  /// The columns of the log.
  private func columns(_ events: [DirectoryEvent]) -> [PostgresValue] {
    [
      .uuidArray(events.map(\.workspace.uuid)),
      .intArray(events.compactMap(\.sequence)),
      .textArray(events.map(\.id)),
      .textArray(events.map(\.type.rawValue)),
    ]
  }

  private func columns(_ members: [Member]) -> [PostgresValue] {
    let profiles = members.map(\.presence.content)
    return members.map(\.key).columns + [
      .textArray(profiles.map { $0?.state.rawValue ?? "deleted" }),
      .textArray(profiles.map { $0?.email }),
      .textArray(profiles.map { $0?.displayName }),
      .textArray(profiles.map { $0?.role }),
      .intArray(members.map(\.version)),
      .textArray(members.map { $0.document.map { String(decoding: $0, as: UTF8.self) } }),
    ]
  }

  private func columns(_ groups: [Group]) -> [PostgresValue] {
    groups.map(\.key).columns + [
      .textArray(groups.map(\.presence.content)),
      .intArray(groups.map(\.position.version)),
      .intArray(groups.map { Int64($0.position.part) }),
      .boolArray(groups.map { $0.coverage == .complete }),
      .uuidArray(groups.map { if case .through(let member) = $0.coverage { member.uuid } else { nil } }),
    ]
  }

  private func columns(_ receipts: [DeprovisionReceipt]) throws -> [PostgresValue] {
    [
      .uuidArray(receipts.map(\.workspace.uuid)),
      .uuidArray(receipts.map(\.id.uuid)),
      .uuidArray(receipts.map(\.member.uuid)),
      .textArray(receipts.map(\.reason.rawValue)),
      .timestampArray(receipts.map(\.revokedAt)),
      .textArray(try receipts.map { String(decoding: try JSONData.encode($0), as: UTF8.self) }),
    ]
  }

  private func messages(_ events: [Decider.PublishedEvent]) throws -> [OutgoingMessage] {
    try events.map { published in
      let event = try published.event.cloudEvent(source: source, traceparent: published.traceparent)
      return OutgoingMessage(event, topic: .directoryEvents, key: published.event.workspace.description)
    }
  }
}
