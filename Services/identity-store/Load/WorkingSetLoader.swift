import Foundation
import Models
import Postgres

/// Loads what a batch touches in one round trip of set-based statements, and locks it in one fixed order.
struct WorkingSetLoader: Sendable {
  /// - Throws: `PostgresError` and `PostgresDecodingError`.
  func load(_ touches: Touches, in transaction: PostgresTransaction) async throws -> WorkingSet {
    let loads = LoadStatements.loads(for: touches)
    let results = try await transaction.pipeline(loads.map { ($0.statement, $0.parameters) })
    var set = WorkingSet()
    for (load, rows) in zip(loads, results) {
      for row in rows { try load.read(row, &set) }
    }
    set.assumeNamedMembershipsAreStored(touches.memberships)
    return set
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
