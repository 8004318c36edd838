import Foundation
import Models
import Postgres
import SCIMStorage
import TestSupport
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import SCIM

@Suite("Lists of all users", .timeLimit(.minutes(10)))
struct UserListTests {
  private static func query(_ part: ResourceQuery.Part, ascending: Bool = true) throws -> ResourceQuery {
    try DatabaseReadsTests.query(.user, ascending: ascending, part: part, withRows: true)
  }

  @Test("Every page has the groups of each user, as a look-up of the user has them", arguments: [true, false])
  func pages(ascending: Bool) async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 40, groups: 7)
    try await store.write("delete from identity.memberships where user_id::text like '%5'", [])
    let reads = DatabaseReads(database: store.database)
    func list(_ part: ResourceQuery.Part) async throws -> FoundResources {
      try await reads.list(try Self.query(part, ascending: ascending), in: store.workspace)
    }
    let all = try await list(.page(Page(startIndex: 1, count: 100)))
    #expect(all.total == 40)
    #expect(all.resources.map(\.found.resource.id) == all.resources.map(\.found.resource.id).sorted { ($0 < $1) == ascending })
    for user in all.resources {
      #expect(try await reads.resource(.user, user.found.resource.id, withRows: true, in: store.workspace) == user.found)
    }
    #expect(all.resources.contains { $0.found.rows == [] })
    #expect(all.resources.contains { $0.found.rows?.count == 2 })

    var byIndex: [ListedResource] = []
    while byIndex.count < 40 {
      let page = try await list(.page(Page(startIndex: byIndex.count + 1, count: 7)))
      try #require(!page.resources.isEmpty)
      #expect(page.total == 40)
      byIndex += page.resources
    }
    #expect(byIndex == all.resources)
    let empty = FoundResources(total: 40, resources: [])
    #expect(try await list(.page(Page(startIndex: 41, count: 7))) == empty)
    #expect(try await list(.page(Page(startIndex: 1, count: 0))) == empty)

    var parts = [try await list(.from(nil, count: 7))]
    while let next = parts[parts.count - 1].next, parts.count < 100 { parts.append(try await list(.from(next, count: 7))) }
    #expect(parts.flatMap(\.resources) == all.resources)
    #expect(parts.map(\.total) == [40] + parts.dropFirst().map { _ in nil })
    var backwards = [parts[parts.count - 1]]
    while let previous = backwards[0].previous, backwards.count < 100 {
      backwards.insert(try await list(.from(previous, count: 7)), at: 0)
    }
    #expect(backwards.flatMap(\.resources) == all.resources)
    await store.close()
  }

  @Test("A user with more groups than fit in memory, or on a page with too many memberships, is marked to be streamed")
  func manyGroups() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 60, groups: 1001)
    try await store.write(
      """
      insert into identity.memberships (workspace_id, group_id, user_id)
      select u.workspace_id, g.id, u.id
      from identity.users u
      cross join identity.groups g
      where u.id >= '0192f7a0-0000-7000-8000-000000000002'
      on conflict do nothing
      """, [])
    let reads = DatabaseReads(database: store.database)
    let found = try await reads.list(try Self.query(.page(Page(startIndex: 1, count: 100))), in: store.workspace)
    let users = found.resources.map(\.found)
    #expect(users.count == 60)
    #expect(users[0].rows?.count == 2)
    #expect(!users[0].hasMoreRows)
    #expect(users.dropFirst().allSatisfy { $0.hasMoreRows })
    #expect(users[1].rows?.count == FoundResource.maximumRows)
    #expect(users[59].rows == [])
    await store.close()
  }
}
