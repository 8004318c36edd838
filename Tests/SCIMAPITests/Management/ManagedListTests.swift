import Foundation
import Models
import Postgres
import Primitives
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ScimAPI

@Suite("Invitations, ids, keys and directory differences in the management API", .timeLimit(.minutes(10)))
struct ManagedListTests {
  @Test("Invitations are listed newest first, by state and member, and one is shown with its history")
  func invitations() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let users = try await store.insertUsers(["ana", "ben"])
    var ids: [InvitationID] = []
    for (user, state) in [(users[0], "sent"), (users[1], "failed"), (users[0], "scheduled")] {
      ids.append(try await store.insertInvitation(of: user.user, state: state, at: "2026-01-03Z"))
    }
    try await bench.serving { [ids] client in
      let all = try await client.all("/invitations", "invitations", limit: 2)
      #expect(all.texts("id") == ids.sorted().reversed().map { "\($0)" })
      #expect(all.allSatisfy { $0["member"]?.object?["email"]?.string?.hasSuffix("@example.com") == true && $0["history"] == nil })
      #expect(try await client.get("/invitations?state=failed").items("invitations").texts("id") == ["\(ids[1])"])
      #expect(try await client.get("/invitations?member=\(users[0])").items("invitations").count == 2)
      let shown = try await client.get("/invitations/\(ids[1])")
      #expect(shown.json["state"] == "failed" && shown.json["member"]?.object?["userName"] == "ben@example.com", "\(shown.text)")
      #expect(shown.items("history").texts("state") == ["failed"] && shown.items("history").texts("reason") == ["of the test"])
      #expect(try await client.get("/invitations/\(InvitationID.made(at: Date()))").problem == "unknown-resource")
    }
    await store.close()
  }

  @Test("Ids are found by their first characters, in the workspace alone")
  func ids() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let user = try await store.insertUsers(["ana"])[0]
    let invitations = [
      try await store.insertInvitation(of: user.user, state: "sent", at: "2026-01-03Z"),
      try await store.insertInvitation(of: user.user, state: "sent", at: "2026-01-04Z"),
    ]
    try await bench.serving { client in
      let complete = try await client.get("/ids?of=members&prefix=\(user)")
      #expect(complete.json["ids"] == [.string("\(user)")] && complete.json["isComplete"] == true, "\(complete.text)")
      let start = "\(user)".prefix(9).uppercased()
      #expect(try await client.get("/ids?of=members&prefix=\(start)").json["ids"] == [.string("\(user)")])
      let both = try await client.get("/ids?of=invitations&prefix=\("\(invitations[0])".prefix(4))")
      #expect(both.json["ids"]?.array?.count == 2, "\(both.text)")
      for kind in IDsQuery.Kind.allCases {
        let answer = try await client.get("/ids?of=\(kind.rawValue)&prefix=ffffffff-ffff")
        #expect(answer.json["ids"] == [] && answer.json["isComplete"] == true, "\(kind): \(answer.text)")
      }
    }
    let many = Array(repeating: "x", count: 12).enumerated().map { "\($0.element)\($0.offset)" }
    _ = try await store.insertGroups(many)
    try await bench.serving { client in
      let first = try #require(try await client.get("/groups?limit=1").items("groups").texts("id").first)
      let found = try await client.get("/ids?of=groups&prefix=\(first.prefix(8))")
      #expect(found.json["ids"]?.array?.count == 10 && found.json["isComplete"] == false, "\(found.text)")
    }
    await store.close()
  }

  @Test("The signing keys are returned as a key set, with the token of a workspace and of the deployment")
  func signingKeys() async throws {
    let bench = try await ManagementBench.start()
    try await bench.store.write(
      "insert into directory.signing_keys (id, jwk, first_used_at) values ('k1', '{\"kty\":\"EC\",\"kid\":\"k1\"}', now())", [])
    for token in [bench.token, bench.deploymentToken] {
      try await bench.serving(token: token, base: ResourcePath.admin) { client in
        let keys = try await client.get("/signing-keys")
        #expect(keys.items("keys").texts("kid") == ["k1"], "\(keys.text)")
      }
    }
    await bench.store.close()
  }

  @Test("The directory is compared with the store in parts: members, then groups with their memberships")
  func differences() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let users = try await store.insertUsers(["ana", "ben"])
    let groups = try await store.insertGroups(["Data"])
    try await store.insertMembership(group: groups[0], user: users[0])
    let workspace = PostgresValue.uuid(store.workspace.uuid)
    let extra = UserID.made(at: Date())
    // Ana has another state, ben is missing, and a third member is only in the directory.
    for (id, email) in [(users[0].uuid, "ana@example.com"), (extra.uuid, "eve@example.com")] {
      try await store.write(
        "insert into directory.members (workspace_id, id, state, email, display_name, role, version, document) "
          + "values ($1, $2, 'active', $3, 'Name of ana', 'viewer', 1, '{}')", [workspace, .uuid(id), .text(email)])
    }
    try await store.write(
      "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, 'Data', 1, 0, true)",
      [workspace, .uuid(groups[0].uuid)])
    try await bench.serving { client in
      var (found, cursor, pages): ([JSONObject], String?, Int) = ([], nil, 0)
      repeat {
        let page = try await client.get("/directory/differences" + (cursor.map { "?cursor=\($0)" } ?? ""))
        try #require(page.status == 200, "\(page.text)")
        found += page.items("differences")
        cursor = page.json["nextCursor"]?.string
        pages += 1
      } while cursor != nil && pages < 10
      #expect(pages == 2)
      let texts = Dictionary(grouping: found) { $0["member"]?.string ?? $0["group"]?.string ?? "" }.mapValues { $0.texts("difference") }
      #expect(texts["\(users[1])"] == ["missing in the directory"], "\(found)")
      #expect(texts["\(extra)"] == ["extra in the directory: it is not in the store"])
      let ana = texts["\(users[0])"] ?? []
      #expect(ana.contains("state is 'active' in the directory and 'invited' in the store"), "\(ana)")
      // Her membership is missing as well.
      #expect(ana.contains("missing in the directory") && ana.count == 2)
      #expect(found.last?["group"] == .string("\(groups[0])") && found.last?["type"] == "membership")
      #expect(texts["\(groups[0])"] == nil, "the group itself is equal")
    }
    await store.close()
  }

  @Test("A large directory is compared in several parts without a gap")
  func parts() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    try await store.write(
      """
      insert into identity.users
      (workspace_id, id, user_name, user_name_key, user_name_hash, state, role, version, created_at, modified_at, document)
      select $1, gen_random_uuid(), 'u' || n, 'u' || n, '', 'invited', 'viewer', 1, now(), now(), '{}'
      from generate_series(1, $2::int8) n
      """, [.uuid(store.workspace.uuid), .int(Int64(DirectoryComparison.usersPerPart + 10))])
    let comparison = DirectoryComparison(database: store.database)
    var (found, position, parts): (Set<DirectoryDifference.Subject>, CursorPosition?, Int) = ([], nil, 0)
    repeat {
      let part = try await comparison.part(after: position, in: store.workspace)
      found.formUnion(part.differences.map(\.subject))
      position = part.next
      parts += 1
    } while position != nil && parts < 10
    #expect(found.count == DirectoryComparison.usersPerPart + 10)
    #expect(parts == 3, "two of users, one of groups")
    await store.close()
  }
}
