import Foundation
import Models
import NIOCore
import Postgres
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI

@Suite("Export of a member", .timeLimit(.minutes(10)))
struct MemberExportTests {
  /// The lines of an export.
  private func lines(_ text: String) throws -> [JSONObject] {
    try text.split(separator: "\n").map { try #require(try JSON(parsing: Array($0.utf8)).object) }
  }

  @Test("An export has everything about the member, nothing about others, and ends with the counts")
  func complete() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let (workspace, users) = (store.workspace.uuid, try await store.insertUsers(["ana", "ben"]))
    let (ana, ben) = (users[0], users[1])
    let group = try await store.insertGroups(["Data"])[0]
    for user in users {
      try await store.insertMembership(group: group, user: user)
      let invitation = try await store.insertInvitation(of: user.user, state: "sent", at: "2026-01-03Z")
      #expect("\(invitation)" != "\(user)")
      let id = UUID()
      try await store.write(
        """
        insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary)
        values ($1, $2, now(), 'operator:ana', 'delete-user', 'user ' || $3::text, '{}')
        """, [.uuid(workspace), .uuid(id), .uuid(user.uuid)])
      try await store.write(
        """
        insert into directory.events (position, workspace_id, sequence, id, type, data)
        select max, $1, max, $2::text || '/1', 'member.invited', json_build_object('member', json_build_object('id', $2::text))::text
        from (select count(*) + 1 as max from directory.events where workspace_id = $1) n
        """, [.uuid(workspace), .uuid(user.uuid)])
      try await store.write(
        "insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document) values ($1, $2, $3, 'disabled', now(), '{}')",
        [.uuid(workspace), .uuid(UUID()), .uuid(user.uuid)])
    }
    try await bench.serving { client in
      let answer = try await client.get("/members/\(ana)/export")
      #expect(answer.status == 200 && answer.headers["content-type"] == "application/x-ndjson", "\(answer.text)")
      #expect(answer.headers["cache-control"] == "no-store")
      let found = try lines(answer.text)
      let types = found.compactMap { $0["type"]?.string }
      for type in ["member", "group", "invitation", "invitation-state", "receipt", "event", "audit"] {
        #expect(types.count { $0 == type } == 1, "\(type): \(answer.text)")
      }
      let member = found.first?["data"]?.object
      #expect(member?["userName"] == "ana@example.com" && member?["resource"]?.object?["userName"] == "ana@example.com")
      #expect(found.last?["type"] == "end" && found.last?["counts"]?.object?["member"] == 1)
      #expect(found.last?["counts"]?.object?.count == MemberExport.Section.allCases.count)
      #expect(!answer.text.contains("\(ben)") && !answer.text.contains("ben@example.com"))
    }
    await store.close()
  }

  @Test("Events and audit trail are read in pages until their end")
  func pages() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let (workspace, ana) = (store.workspace.uuid, try await store.insertUsers(["ana"])[0])
    // More than two pages of events and entries about nobody, between those about the member.
    try await store.write(
      """
      insert into directory.events (position, workspace_id, sequence, id, type, data)
      select
        n, $1, n, 'event ' || n, 'member.updated',
        json_build_object('member', json_build_object('id', case when n % 4000 = 1 then $2::text else 'x' end))::text
      from generate_series(1, 12000) n
      """, [.uuid(workspace), .uuid(ana.uuid)])
    try await store.write(
      """
      insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary)
      select
        $1, gen_random_uuid(), now(), 'operator:ana', 'x', case when n % 4000 = 1 then 'user ' || $2::text else 'workspace acme' end, '{}'
      from generate_series(1, 12000) n
      """, [.uuid(workspace), .uuid(ana.uuid)])
    try await bench.serving { client in
      let found = try lines(try await client.get("/members/\(ana)/export").text)
      #expect(found.filter { $0["type"] == "event" }.count == 3)
      #expect(found.filter { $0["type"] == "audit" }.count == 3)
      #expect(found.last?["counts"]?.object?["event"] == 3 && found.last?["counts"]?.object?["audit"] == 3)
    }
    await store.close()
  }

  @Test("A deleted member is exported with what remains, and an unknown one is not found")
  func deleted() async throws {
    let bench = try await ManagementBench.start()
    let gone = ResourceID.made(at: Date())
    try await bench.store.insertTombstone(of: gone, named: "ana")
    try await bench.serving { client in
      let found = try lines(try await client.get("/members/\(gone)/export").text)
      #expect(found.first?["data"]?.object?["deletedAt"]?.string != nil)
      #expect(found.last?["type"] == "end")
      for id in ["\(UserID.made(at: Date()))", "ana"] {
        let answer = try await client.get("/members/\(id)/export")
        #expect(answer.status == 404 && answer.problem == "unknown-resource", "\(answer.text)")
      }
      #expect(try await client.get("/members/\(gone)/export?limit=1").status == 400)
    }
    await bench.store.close()
  }

  @Test("Line ends between the tokens of stored JSON do not divide a line")
  func lineEnds() {
    let page = MemberExport.Page(rows: [Array("{\"a\":\r\n 1}".utf8)], next: nil)
    let text = String(buffer: MemberExportBody.lines(page, of: .request))
    #expect(text == "{\"type\":\"request\",\"data\":{\"a\":   1}}\n")
  }
}
