import Foundation
import Models
import Postgres

/// Loads what a batch touches in one round trip of set-based statements, and locks it in one fixed order. What few batches need is loaded
/// after that, where the first round trip shows that it is needed.
struct WorkingSetLoader: Sendable {
  /// - Throws: `PostgresError` and `PostgresDecodingError`.
  func load(_ touches: WriteSet, in transaction: PostgresTransaction) async throws -> WorkingSet {
    var set = WorkingSet()
    try await carryOut(LoadStatements.loads(for: touches), in: transaction, into: &set)
    set.assumeNamedMembershipsAreStored(touches.memberships)
    let reassigned = touches.reassignedUsers(in: set)
    if !reassigned.isEmpty { try await carryOut(LoadStatements.groups(of: reassigned), in: transaction, into: &set) }
    try await carryOut(furtherLoads(for: touches, reassigned: reassigned, in: set), in: transaction, into: &set)
    return set
  }

  /// What is to be known of groups that are found by their names or by their members.
  private func furtherLoads(for touches: WriteSet, reassigned: Set<ResourceKey>, in set: WorkingSet) -> [Load] {
    var further = WriteSet()
    further.groups = Set(reassigned.flatMap { set.groups(of: $0) })
    further.workspaces = Set(further.groups.map(\.workspace))
    further.replacedGroups = touches.groupsTakenBack(in: set).subtracting(touches.replacedGroups)
    let guarded = touches.guardedGroups(in: set).union(
      further.groups.union(further.replacedGroups).filter { touches.isGuarded($0.workspace, in: set) })
    var loads: [Load] = []
    if !further.groups.isEmpty { loads.append(LoadStatements.heldChanges(further)) }
    if !further.replacedGroups.isEmpty { loads.append(LoadStatements.otherMembers(further)) }
    if !guarded.isEmpty { loads.append(LoadStatements.departures(guarded)) }
    return loads
  }

  private func carryOut(_ loads: [Load], in transaction: PostgresTransaction, into set: inout WorkingSet) async throws {
    guard !loads.isEmpty else { return }
    let results = try await transaction.pipeline(loads.map { ($0.statement, $0.parameters) })
    for (load, rows) in zip(loads, results) {
      for row in rows { try load.read(row, &set) }
    }
  }
}

/// One statement of the load, and what a row of its result means.
struct Load: Sendable {
  var statement: Statement
  var parameters: [PostgresValue]
  var read: @Sendable (Row, inout WorkingSet) throws -> Void
}

extension WorkingSet {
  /// Storage answers only with those named memberships that it does not have; the others are there.
  fileprivate mutating func assumeNamedMembershipsAreStored(_ memberships: Set<MembershipKey>) {
    for membership in memberships where members[membership.group]?.stored[membership.user] == nil {
      loadMembership(membership, isMember: true, isUser: true)
    }
  }
}
