import Foundation
import Models
import Postgres

/// Loads and locks the rows of a batch with set-based statements in one round trip, in a fixed order.
///
/// Rows that few batches need are loaded in a second round trip, if the first one shows that they are required.
struct WorkingSetLoader: Sendable {
  /// - Throws: `PostgresError` and `PostgresDecodingError`.
  func load(_ writeSet: WriteSet, in transaction: PostgresTransaction) async throws -> WorkingSet {
    var set = WorkingSet()
    try await run(LoadStatements.loads(for: writeSet), in: transaction, into: &set)
    set.assumeNamedMembershipsAreStored(writeSet.memberships)
    let reassigned = writeSet.reassignedUsers(in: set)
    if !reassigned.isEmpty { try await run(LoadStatements.groups(of: reassigned), in: transaction, into: &set) }
    try await run(furtherLoads(for: writeSet, reassigned: reassigned, in: set), in: transaction, into: &set)
    return set
  }

  /// The loads for groups that are found by their names or members.
  private func furtherLoads(for writeSet: WriteSet, reassigned: Set<ResourceKey>, in set: WorkingSet) -> [Load] {
    var further = WriteSet()
    further.groups = Set(reassigned.flatMap { set.groups(of: $0) })
    further.workspaces = Set(further.groups.map(\.workspace))
    further.replacedGroups = writeSet.restorableGroups(in: set).subtracting(writeSet.replacedGroups)
    let guarded = writeSet.guardedGroups(in: set).union(
      further.groups.union(further.replacedGroups).filter { writeSet.isGuarded($0.workspace, in: set) })
    var loads: [Load] = []
    if !further.groups.isEmpty { loads.append(LoadStatements.heldChanges(further)) }
    if !further.replacedGroups.isEmpty { loads.append(LoadStatements.otherMembers(further)) }
    if !guarded.isEmpty { loads.append(LoadStatements.departures(guarded)) }
    return loads
  }

  private func run(_ loads: [Load], in transaction: PostgresTransaction, into set: inout WorkingSet) async throws {
    guard !loads.isEmpty else { return }
    let results = try await transaction.pipeline(loads.map { ($0.statement, $0.parameters) })
    for (load, rows) in zip(loads, results) {
      for row in rows { try load.read(row, &set) }
    }
  }
}

/// A load statement with its parameters, and a closure that adds a result row to the working set.
struct Load: Sendable {
  var statement: Statement
  var parameters: [PostgresValue]
  var read: @Sendable (Row, inout WorkingSet) throws -> Void
}

extension WorkingSet {
  /// Adds the named memberships that are stored: the statement returns only those that are not.
  fileprivate mutating func assumeNamedMembershipsAreStored(_ memberships: Set<MembershipKey>) {
    for membership in memberships where members[membership.group]?.stored[membership.user] == nil {
      loadMembership(membership, isMember: true, isUser: true)
    }
  }
}
