import Foundation
import Models
import Postgres
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The console's pages about groups", .timeLimit(.minutes(10)))
struct GroupPagesTests {
  private func names(_ page: Answer) -> [String] {
    page.text.components(separatedBy: "<th scope=\"row\">").dropFirst().map { row in
      let link = row.components(separatedBy: "\">").dropFirst().first ?? ""
      return String(link.prefix { $0 != "<" })
    }
  }

  private func next(_ page: Answer) -> String? {
    guard let start = page.text.range(of: "rel=\"next\" href=\"")?.upperBound else { return nil }
    return page.text[start...].prefix { $0 != "\"" }.replacingOccurrences(of: "&amp;", with: "&")
  }

  @Test("Groups are listed by name with their counts and found by the start of a name, only in their own workspace")
  func list() async throws {
    let bench = try await ConsoleBench.made()
    _ = try await bench.insertGroup("Zebra", [.active, .active, .invited, nil, .disabled])
    _ = try await bench.insertGroup("data team")
    _ = try await bench.insertGroup("Data & <b>Science</b>", [.invited])
    let other = WorkspaceID.made(at: Date())
    var settings = bench.builder.settings
    settings.slug = "other"
    try await bench.insertWorkspace(other, settings)
    _ = try await bench.insertGroup("Data of others", [.active], in: other)
    try await bench.serving { client in
      let page = try await client.get("/console/groups")
      #expect(page.status == 200, "\(page.text)")
      #expect(names(page) == ["Data &amp; &lt;b&gt;Science&lt;/b&gt;", "data team", "Zebra"])
      #expect(page.text.contains(#"data-label="Visible">2</td>"#) && page.text.contains(#"data-label="Pending">2</td>"#))
      #expect(page.text.contains("3 groups"))
      #expect(!page.text.contains("<b>Science"))
      let found = try await client.get("/console/groups?q=DATA%20%26")
      #expect(names(found) == ["Data &amp; &lt;b&gt;Science&lt;/b&gt;"])
      #expect(names(try await client.get("/console/groups?q=Data")).count == 2)
      // Pattern characters have no special meaning.
      let nothing = try await client.get("/console/groups?q=%25")
      #expect(nothing.text.contains("No group&#39;s name begins") || nothing.text.contains("No group's name begins"), "\(nothing.text)")
    }
    await bench.close()
  }

  @Test("Groups with the same name are all listed, also across pages")
  func sharedNames() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, version, created_at, modified_at, document, namesake)
      select $1, id, 'Team', 'team', 1, now(), now(), '{}', id
      from (select gen_random_uuid() as id from generate_series(1, 120)) made
      """, [.uuid(bench.workspace.uuid)])
    try await bench.serving { client in
      var path: String? = "/console/groups"
      var seen: [String] = []
      while let here = path {
        let page = try await client.get(here)
        #expect(page.status == 200, "\(page.text)")
        seen += page.text.components(separatedBy: "<th scope=\"row\"><a href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
        path = next(page)
      }
      #expect(seen.count == 120 && Set(seen).count == 120)
    }
    await bench.close()
  }

  @Test("A long list has pages with each group once, also if the last group of a page is deleted")
  func pages() async throws {
    let bench = try await ConsoleBench.made()
    _ = try await bench.insertCrowd(groups: 120, members: 10)
    try await bench.serving { client in
      var path: String? = "/console/groups?q=team"
      var seen: [String] = []
      while let here = path {
        let page = try await client.get(here)
        #expect(page.status == 200, "\(page.text)")
        seen += names(page)
        path = next(page)
        // Delete the group that the cursor points to.
        if seen.count == GroupsController.pageSize {
          try await bench.write("delete from identity.groups where display_name = $1", [.text(seen[seen.count - 1])])
        }
      }
      #expect(seen.count == 120)
      #expect(Set(seen).count == 120)
      let cursor = try #require(next(try await client.get("/console/groups")))
      #expect(try await client.get(cursor.replacingOccurrences(of: "cursor=", with: "q=x&cursor=")).status == 400)
    }
    await bench.close()
  }

  @Test("A group's page lists its members by status, with reasons for those who are not visible")
  func members() async throws {
    let bench = try await ConsoleBench.made()
    let (group, people) = try await bench.insertGroup("Data <team>", [.active, .invited, .disabled, nil])
    try await bench.serving { client in
      let visible = try await client.get("/console/groups/\(group)")
      #expect(visible.status == 200, "\(visible.text)")
      #expect(visible.text.contains("Data &lt;team&gt;") && !visible.text.contains("<team>"))
      #expect(visible.text.contains("/console/members/\(people[0])\"") && !visible.text.contains("/console/members/\(people[1])\""))
      #expect(!visible.text.contains("Why not visible"))
      let pending = try await client.get("/console/groups/\(group)?state=pending")
      #expect(pending.text.contains("/console/members/\(people[1])\"") && pending.text.contains("/console/members/\(people[3])\""))
      #expect(pending.text.contains("has not signed in yet") && pending.text.contains("before their own data arrived"))
      let held = try await client.get("/console/groups/\(group)?state=held")
      #expect(held.text.contains("/console/members/\(people[2])\"") && held.text.contains("once it enables them"))
      #expect(try await client.get("/console/groups/\(group)?state=gone").status == 400)
      // The person signs in.
      try await bench.write("update directory.members set state = 'active' where id = $1", [.uuid(people[1].uuid)])
      let after = try await client.get("/console/groups/\(group)")
      #expect(after.text.contains("/console/members/\(people[1])\""))
      #expect(
        after.text.contains(#"Visible <span class="count">2</span>"#) && after.text.contains(#"Pending <span class="count">1</span>"#))
    }
    await bench.close()
  }

  @Test("A held change is shown; a deleted group, a group of another workspace and an invalid id are not found")
  func absence() async throws {
    let bench = try await ConsoleBench.made()
    let (group, people) = try await bench.insertGroup("Data team", [.active, .active])
    let other = WorkspaceID.made(at: Date())
    var settings = bench.builder.settings
    settings.slug = "other"
    try await bench.insertWorkspace(other, settings)
    let (foreign, _) = try await bench.insertGroup("Data of others", [.active], in: other)
    for status in ["superseded", "pending"] {
      try await bench.write(
        """
        insert into identity.held_changes
        (workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, standing)
        values ($1, $2, $3, 'members-removed', 'Data team', 2, $4, 'token:x', now(), now(), $5, false)
        """,
        [
          .uuid(bench.workspace.uuid), .uuid(ResourceID.made(at: Date()).uuid), .uuid(group.uuid), .uuidArray(people.map(\.uuid)),
          .text(status),
        ])
    }
    try await bench.serving { client in
      let page = try await client.get("/console/groups/\(group)")
      #expect(page.text.contains("remove 2 members of 2 from this group") && page.text.contains("/console/provisioning/held"))
      for id in ["\(foreign)", "\(GroupID.made(at: Date()))", "nothing", "%3Cscript%3E"] {
        let answer = try await client.get("/console/groups/\(id)")
        #expect(answer.status == 404, "\(id): \(answer.status)")
        #expect(answer.text.contains("no such group") && !answer.text.contains("Data of others"))
      }
      try await bench.write("delete from identity.groups where id = $1", [.uuid(group.uuid)])
      #expect(try await client.get("/console/groups/\(group)").status == 404)
    }
    await bench.close()
  }

  @Test("With 3,000 groups and a group of 100,000 members, all pages use indexes")
  func large() async throws {
    let bench = try await ConsoleBench.made()
    let group = try await bench.insertCrowd(groups: 3000, members: 100_000)
    try await bench.write("analyze")
    for (statement, types, index) in [
      (GroupsQuery.list, "uuid, text, text, int8, uuid", "groups_display_name_key"), (GroupsQuery.one, "uuid, uuid", "groups_pkey"),
    ] {
      let plan = try await bench.plan(of: statement, types)
      #expect(plan.contains(index) && plan.contains("group_counts_pkey") && !plan.contains("Seq Scan"), "\(plan)")
    }
    try await bench.serving { client in
      for path in [
        "/console/groups", "/console/groups?q=team%2029", "/console/groups/\(group)", "/console/groups/\(group)?state=pending",
        "/console/groups/\(group)?state=held", "/console/settings/scim",
      ] {
        let page = try await client.get(path)
        #expect(page.status == 200, "\(path)")
      }
      // Rare members are read with another statement, with the same result.
      let query = GroupsQuery(database: Database(pool: bench.reader, retryTimeout: .seconds(5)))
      let directory = DatabaseDirectory(database: query.database)
      var details = try #require(try await query.group(group, in: bench.workspace))
      let counts = details.counts
      #expect(counts == MembershipStatusCounts(visible: 99_000, pending: 990, held: 10))
      for status in MembershipStatus.allCases {
        let all = try await directory.members(of: group, status: status, after: nil, limit: 70, in: bench.workspace)
        for after in [nil, all[0].id, all[all.count - 1].id] {
          let expected = try await directory.members(of: group, status: status, after: after, limit: 51, in: bench.workspace)
          for (some, others) in [(10, 99_990), (99_990, 10)] {
            details.counts = MembershipStatusCounts(visible: others, pending: others, held: others)
            switch status {
            case .visible: details.counts?.visible = some
            case .pending: details.counts?.pending = some
            case .held: details.counts?.held = some
            }
            let found = try await query.members(of: details, status: status, after: after, limit: 51, in: bench.workspace)
            #expect(found.map(\.id) == expected.map(\.id), "\(status) \(some)")
            #expect(found.map(\.displayName) == expected.map(\.displayName))
          }
        }
      }
      let page = try await client.get("/console/groups/\(group)?state=held")
      #expect(
        page.text.contains(#"Visible <span class="count">99,000</span>"#) && page.text.contains(#"Held <span class="count">10</span>"#))
      #expect(page.text.contains("Person 9999<") && page.text.contains("Person 99999<"))
      // Pending members without own data have no state, and are found nevertheless.
      try await bench.write(
        """
        delete from directory.members
        where state = 'invited'
        and id > (select id from directory.members where state = 'invited' order by id limit 1)
        """)
      details = try #require(try await query.group(group, in: bench.workspace))
      #expect(details.counts == counts)
      let pending = try await query.members(of: details, status: .pending, after: nil, limit: 51, in: bench.workspace)
      #expect(pending.count == 51 && pending.count { $0.state == nil } == 50)
    }
    await bench.close()
  }
}

extension ConsoleBench {
  /// The generic plan of a statement.
  func plan(of statement: Statement, _ types: String) async throws -> String {
    try await reader.withExclusiveConnection { session in
      _ = try await session.query(Statement(once: "prepare", "prepare planned (\(types)) as \(statement.sql)"))
      let nulls = types.split(separator: ",").map { _ in "null" }.joined(separator: ", ")
      let rows = try await session.query(Statement(once: "explain", "explain (costs off) execute planned (\(nulls))"))
      return try rows.map { try $0.string(0) }.joined(separator: "\n")
    }
  }
}
