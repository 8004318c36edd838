import Foundation
import Models
import Postgres

/// Loads and locks the rows of a batch with set-based statements, in a fixed order; most batches in one round trip.
///
/// Rows that few batches need are loaded by further statements, if what was loaded before shows that they are required.
struct WorkingSetLoader: Sendable {
  private let workspaces = WorkspaceCache()

  /// - Throws: `PostgresError` and `PostgresDecodingError`.
  func load(_ writeSet: WriteSet, in transaction: PostgresTransaction) async throws -> WorkingSet {
    var set = WorkingSet()
    let known = workspaces.records(of: writeSet.workspaces)
    try await run(LoadStatements.loads(for: writeSet, knowing: known), in: transaction, into: &set)
    workspaces.store(set.workspaces.values)
    set.assumeNamedMembershipsAreStored(writeSet.memberships)
    try await run(LoadStatements.loads(for: writeSet, notYetIn: set), in: transaction, into: &set)
    let reassigned = writeSet.reassignedUsers(in: set)
    if !reassigned.isEmpty { try await run(LoadStatements.groups(of: reassigned), in: transaction, into: &set) }
    let (emails, ids) = writeSet.accountKeys(in: set)
    if !emails.isEmpty || !ids.isEmpty { try await run([LoadStatements.accounts(emails: emails, ids: ids)], in: transaction, into: &set) }
    try await run(guardLoads(for: writeSet, reassigned: reassigned, in: set), in: transaction, into: &set)
    return set
  }

  /// The loads for groups that are found by their names or members, and for what the change guard and the seat limit count.
  private func guardLoads(for writeSet: WriteSet, reassigned: Set<ResourceKey>, in set: WorkingSet) -> [Load] {
    let groups = Set(reassigned.flatMap { set.groups(of: $0) })
    let replaced = writeSet.restorableGroups(in: set).subtracting(writeSet.replacedGroups)
    let guarded = writeSet.guardedGroups(in: set).union(groups.union(replaced).filter { writeSet.isGuarded($0.workspace, in: set) })
    let counted = writeSet.deactivating.filter { writeSet.limitsDeactivations($0, in: set) }
    let limited = writeSet.limitedWorkspaces(in: set)
    let administered = writeSet.workspacesOfAdmins(in: set, reassigned: reassigned)
    let held = groups.filter { writeSet.mayHoldChanges($0.workspace, in: set) }
    var loads: [Load] = []
    if !held.isEmpty { loads.append(LoadStatements.heldChanges(of: held)) }
    if !replaced.isEmpty { loads.append(LoadStatements.members(named: [], of: replaced)) }
    if !guarded.isEmpty { loads.append(LoadStatements.departures(guarded)) }
    if !counted.isEmpty { loads += LoadStatements.recentDeactivations(counted) }
    if !limited.isEmpty { loads += LoadStatements.seats(limited) }
    if !administered.isEmpty { loads += LoadStatements.otherAdmins(administered, than: set.users.keys) }
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
