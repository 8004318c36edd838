import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import GroupSync

@Suite("Loading the directory")
struct DirectoryLoadTests {
  /// The rows that statements have read from a table, in scans of the whole table and with an index.
  private struct Reads {
    var bySequentialScan = 0
    var byIndex = 0
  }

  @Test("reads only the rows that the batch touches")
  func indexes() async throws {
    let store = try await DirectoryDatabase.start()
    let people = (1...100).map { Fixture.user($0) }
    let teams = (1...20).map { Fixture.group($0) }
    try await store.apply(people.map { Fixture.userEvent($0, .created, .active, version: 1) })
    try await store.apply(teams.map { Fixture.groupEvent($0, .created, version: 1, name: "\($0)", adding: people) })

    // One user with 20 memberships, one named membership, and two of the members of a group.
    let writeSet = WriteSet(of: [
      Fixture.userEvent(people[0], .updated, .active, version: 2),
      Fixture.groupEvent(teams[1], .updated, version: 2, removing: [people[2]]),
      Fixture.restated(teams[3], version: 2, MemberRange(after: people[9], through: people[11]), []),
    ])
    let (before, directory, after) = try await store.pool.transaction { transaction in
      (try await reads(transaction), try await DirectoryLoader().load(writeSet, in: transaction), try await reads(transaction))
    }
    #expect(Set(directory.members.keys.map(\.id)) == [people[0], people[2], people[10], people[11]])
    #expect(directory.groups.count == teams.count)
    #expect(after.count == 3)
    for (table, reads) in after {
      let former = before[table] ?? Reads()
      #expect(reads.bySequentialScan == former.bySequentialScan, "\(table)")
      #expect((1...30).contains(reads.byIndex - former.byIndex), "\(table): \(reads.byIndex - former.byIndex) rows")
    }
  }

  /// What the server has counted for the session so far.
  private func reads(_ transaction: PostgresTransaction) async throws -> [String: Reads] {
    let rows = try await transaction.query(
      Statement(
        "reads",
        """
        select relname, coalesce(seq_tup_read, 0), coalesce(idx_tup_fetch, 0)
        from pg_stat_xact_user_tables
        where schemaname = 'directory'
        and relname in ('members', 'groups', 'memberships')
        """))
    return try rows.reduce(into: [:]) { $0[try $1.string(0)] = Reads(bySequentialScan: try $1.int(1), byIndex: try $1.int(2)) }
  }
}
