import Kafka
import Models
import Postgres

/// Writes what a batch has decided: set-based statements, to be sent as one pipeline before the commit.
struct DirectoryWriter: Sendable {
  /// Stands as the source of events: `group-sync/0`.
  let source: String
  private let outbox = Outbox(table: "directory.outbox")

  init(source: String) {
    self.source = source
  }

  /// The statements that make storage what `decider` decided; empty where nothing is to be written.
  func steps(for decider: Decider) throws -> [(Statement, [PostgresValue])] {
    let directory = decider.directory
    let members = directory.writtenMembers.sorted().compactMap { directory.members[$0] }
    let groups = directory.writtenGroups.sorted().compactMap { directory.groups[$0] }
    let (added, removed) = (directory.memberships.added.sorted(), directory.memberships.removed.sorted())
    var steps: [(Statement, [PostgresValue])] = []
    if !members.isEmpty { steps.append((WriteStatements.members, columns(members))) }
    if !groups.isEmpty { steps.append((WriteStatements.groups, columns(groups))) }
    if !removed.isEmpty { steps.append((WriteStatements.deleteMemberships, removed.columns)) }
    if !added.isEmpty { steps.append((WriteStatements.insertMemberships, added.columns)) }
    if !decider.told.isEmpty { steps.append(outbox.insertion(of: try messages(decider.told))) }
    return steps
  }

  private func columns(_ members: [Member]) -> [PostgresValue] {
    let profiles = members.map(\.presence.content)
    return members.map(\.key).columns + [
      .textArray(profiles.map { $0?.state.rawValue ?? "deleted" }),
      .textArray(profiles.map { $0?.email }),
      .textArray(profiles.map { $0?.displayName }),
      .textArray(profiles.map { $0?.role }),
      .intArray(members.map(\.version)),
    ]
  }

  private func columns(_ groups: [Group]) -> [PostgresValue] {
    groups.map(\.key).columns + [
      .textArray(groups.map(\.presence.content)),
      .intArray(groups.map(\.position.version)),
      .intArray(groups.map { Int64($0.position.part) }),
      .boolArray(groups.map(\.isComplete)),
    ]
  }

  private func messages(_ told: [Decider.Told]) throws -> [OutgoingMessage] {
    try told.map { told in
      let event = try told.event.cloudEvent(id: told.id, source: source, time: told.event.changedAt, traceparent: told.traceparent)
      return OutgoingMessage(event, topic: .directoryEvents, key: event.subject)
    }
  }
}
