import Foundation
import Models
import Postgres
import ProvisioningLog
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ScimAPI

@Suite("Groups, held changes, log, audit and receipts in the management API", .timeLimit(.minutes(10)))
struct ManagementReadsTests {
  @Test("Groups are listed by name with their counts, and shown with their members by status")
  func groups() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let groups = try await store.insertGroups(["Data", "Design", "Sales"])
    let people = (1...3).map { UserID.made(at: Date(timeIntervalSince1970: Double($0))) }
    try await store.write(
      "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, 'Data', 1, 0, true)",
      [.uuid(store.workspace.uuid), .uuid(groups[0].uuid)])
    for (person, state) in zip(people, ["active", "active", "invited"]) {
      try await store.write(
        "insert into directory.members (workspace_id, id, state, email, version) values ($1, $2, $3, $4, 1)",
        [.uuid(store.workspace.uuid), .uuid(person.uuid), .text(state), .text("\(person)@example.com")])
      try await store.write(
        "insert into directory.memberships values ($1, $2, $3)",
        [.uuid(store.workspace.uuid), .uuid(groups[0].uuid), .uuid(person.uuid)])
    }
    try await bench.serving { client in
      #expect(try await client.all("/groups", "groups", limit: 2).texts("displayName") == ["Data", "Design", "Sales"])
      #expect(try await client.get("/groups?q=d&limit=1").items("groups").texts("displayName") == ["Data"])
      #expect(try await client.all("/groups?q=D", "groups", limit: 1).texts("displayName") == ["Data", "Design"])
      let data = try await client.get("/groups/\(groups[0])")
      #expect(data.json["members"] == ["visible": 2, "pending": 1, "held": 0], "\(data.text)")
      #expect(data.json["externalId"] == "ext-Data")
      // The directory has not processed the other groups yet.
      #expect(try await client.get("/groups/\(groups[1])").json["members"] == nil)
      let visible = try await client.all("/groups/\(groups[0])/members", "members", limit: 1)
      #expect(visible.texts("id") == people.prefix(2).map { "\($0)" })
      let pending = try await client.get("/groups/\(groups[0])/members?status=pending")
      #expect(pending.items("members").texts("state") == ["invited"])
      #expect(pending.items("members").texts("waitsFor") == ["the first sign-in"])
      #expect(visible.texts("status") == ["visible", "visible"] && visible.texts("waitsFor").isEmpty)
      #expect(try await client.get("/groups/\(groups[0])/members?status=all").status == 400)
      for path in ["/groups/\(GroupID.made(at: Date()))", "/groups/x/members"] {
        #expect(try await client.get(path).problem == "unknown-resource", "\(path)")
      }
    }
    await store.close()
  }

  @Test("Held changes are listed, shown with those who would leave, and decided by a command")
  func heldChanges() async throws {
    var bench = try await ManagementBench.start()
    let store = bench.store
    let users = try await store.insertUsers(["ana", "ben"])
    let ids = try await insertHeldChanges(["pending", "approved", "pending", "superseded"], of: users[0], leaving: users[1], in: store)
    try await store.write(
      """
      insert into mailer.held_changes (workspace_id, id, kind, resource_id, leaving, held_at, noted_at)
      values ($1, $2, 'user-disabled', $3, 0, now(), now())
      """, [.uuid(store.workspace.uuid), .uuid(ids[2].uuid), .uuid(users[0].uuid)])
    bench.builder.reply = { command in
      guard case .decideHeldChange(let decision) = command.operation else { return .done }
      try await store.write(
        "update identity.held_changes set status = 'approved', decided_by = $2, decided_at = now() where id = $1",
        [.uuid(decision.change.uuid), .text(command.actor.rawValue)])
      return .done
    }
    try await bench.serving { client in
      #expect(try await client.all("/held-changes", "heldChanges", limit: 1).texts("id") == [ids[2], ids[0]].map { "\($0)" })
      #expect(
        try await client.all("/held-changes?status=decided", "heldChanges", limit: 1).texts("id") == [ids[3], ids[1]].map { "\($0)" })
      let shown = try await client.get("/held-changes/\(ids[0])")
      #expect(shown.json["leavers"] == ["ben@example.com"] && shown.json["hasMoreLeavers"] == false, "\(shown.text)")
      #expect(shown.json["resource"]?.object?["id"] == .string("\(users[0])"))
      #expect(shown.json["notice"] == nil, "the mailer does not know of it")
      #expect(try await client.get("/held-changes/\(ids[2])").json["notice"] == ["state": "waiting"])
      let decided = try await client.post("/held-changes/\(ids[0])/approve")
      #expect(decided.status == 200 && decided.json["status"] == "approved", "\(decided.text)")
      #expect(decided.json["decidedBy"]?.string != nil)
      for path in ["/held-changes/\(HeldChangeID.made(at: Date()))/reject", "/held-changes/x/approve"] {
        #expect(try await client.post(path).status == 404, "\(path)")
      }
    }
    #expect(bench.operations == [.decideHeldChange(HeldChangeDecision(change: ids[0], verdict: .approve))])
    #expect(bench.builder.sentCommands.entries.first?.resource == users[0])
    await store.close()
  }

  private func insertHeldChanges(
    _ statuses: [String], of user: ResourceID, leaving: ResourceID, in store: StoreBuilder
  ) async throws -> [HeldChangeID] {
    var ids: [HeldChangeID] = []
    for (number, status) in statuses.enumerated() {
      let id = HeldChangeID.made(at: Date(timeIntervalSince1970: 1_769_850_000 + Double(number)))
      ids.append(id)
      try await store.write(
        """
        insert into identity.held_changes (
          workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, standing
        )
        values ($1, $2, $3, 'members-removed', 'Data team', 3, $4, 'service:test', now(), now(), $5, false)
        """,
        [.uuid(store.workspace.uuid), .uuid(id.uuid), .uuid(user.uuid), .uuidArray([leaving.uuid]), .text(status)])
    }
    return ids
  }

  @Test("The provisioning log is filtered and paged, and an entry has its diagnosis")
  func log() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    try await store.insertWorkforce(of: 50, groups: 2)
    try await store.insertLog(of: 200, over: 5 * 86_400)
    try await bench.serving { client in
      let all = try await client.all("/provisioning-log", "entries", limit: 150)
      #expect(all.count == 200 && all.texts("id") == all.texts("id").sorted(by: >))
      let failed = try await client.get("/provisioning-log?failed=true").items("entries")
      #expect(failed.count == 4 && failed.allSatisfy { $0["status"] == 404 && $0["cause"] == "staleUser" })
      #expect(try await client.get("/provisioning-log?cause=staleUser").items("entries").count == 4)
      #expect(try await client.get("/provisioning-log?cause=tooLarge").items("entries").isEmpty)
      #expect(try await client.get("/provisioning-log?subject=PERSON-7@example.com").items("entries").count == 4)
      let since = try #require(all[9]["at"]?.string)
      #expect(try await client.get("/provisioning-log?since=\(since)").items("entries").count == 10)
      let entry = try await client.get("/provisioning-log/\(try #require(failed[0]["id"]?.string))")
      #expect(entry.json["diagnosis"]?.object?["cause"]?.string != nil && entry.json["body"]?.object?["json"] != nil, "\(entry.text)")
      #expect(entry.json["canReplay"] == false && entry.json["replayObstacle"]?.string != nil, "its token is unknown")
      #expect(try await client.get("/provisioning-log/\(LogEntryID.made(at: Date()))").status == 404)
    }
    await store.close()
  }

  @Test("A logged request is sent again through the SCIM endpoints, by the token of the request")
  func replay() async throws {
    var bench = try await ManagementBench.start()
    let store = bench.store
    bench.builder.reply = { _ in .refused(status: 409, error: SCIMError(status: 409, scimType: .uniqueness, detail: "Taken.").body()) }
    let group = GroupID.made(at: Date())
    var entry = LogEntry(
      id: .made(at: Date()), workspace: store.workspace, at: Date(), method: "DELETE", path: "/api/v2/scim/Groups/\(group)", status: 503,
      milliseconds: 1)
    entry.token = .made(at: Date())
    var success = entry
    (success.id, success.status) = (.made(at: Date()), 204)
    for stored in [entry, success] {
      try await store.write(
        "insert into identity.provisioning_log (workspace_id, id, status, failed, entry) values ($1, $2, $3, $4, $5)",
        [
          .uuid(store.workspace.uuid), .uuid(stored.id.uuid), .int(Int64(stored.status)), .bool(stored.isFailure),
          .text(String(decoding: stored.json(), as: UTF8.self)),
        ])
    }
    for token in [bench.token, bench.deploymentToken] {
      try await bench.serving(token: token) { [entry, success] client in
        let answer = try await client.post("/provisioning-log/\(entry.id)/replay")
        #expect(answer.status == 200 && answer.json["status"] == 409 && answer.json["entry"]?.string != nil, "\(answer.text)")
        let refused = try await client.post("/provisioning-log/\(success.id)/replay")
        #expect(refused.status == 409 && refused.problem == "not-replayable", "\(refused.text)")
        #expect(try await client.post("/provisioning-log/\(LogEntryID.made(at: Date()))/replay").status == 404)
      }
    }
    let commands = bench.builder.sentCommands.entries
    #expect(commands.map(\.operation) == [.deleteGroup, .deleteGroup])
    #expect(commands.allSatisfy { $0.workspace == store.workspace && $0.resource == group.resource })
    await store.close()
  }

  @Test("The audit trail is filtered by action and rejection, and pages continue where the last one ended")
  func audit() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    for number in 1...6 {
      try await store.write(
        """
        insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary, status, detail)
        values ($1, $2, now(), 'operator:ana', $3, 'workspace', '{"after":{"plan":"free"}}', $4, $5)
        """,
        [
          .uuid(store.workspace.uuid), .uuid(CommandID.made(at: Date(timeIntervalSince1970: Double(number))).uuid),
          .text(number.isMultiple(of: 2) ? "update-workspace" : "issue-token"), number == 6 ? .int(412) : .null,
          number == 6 ? .text("Changed meanwhile.") : .null,
        ])
    }
    try await bench.serving { client in
      let all = try await client.all("/audit", "entries", limit: 2)
      #expect(all.count == 6 && all[0]["outcome"] == "rejected" && all[0]["detail"] == "Changed meanwhile.")
      #expect(all[0]["changes"]?.object?["after"]?.object?["plan"] == "free" && all[0]["actorName"] == "ana (scimctl)")
      #expect(try await client.all("/audit?action=issue-token", "entries", limit: 1).count == 3)
      #expect(try await client.get("/audit?rejected=true").items("entries").count == 1)
      #expect(try await client.get("/audit?actor=operator:ana").items("entries").count == 6)
      #expect(try await client.get("/audit?actor=operator:ben").items("entries").isEmpty)
      #expect(try await client.get("/audit?since=2026-01-31T08:00:00Z").items("entries").count == 6)
      #expect(try await client.get("/audit?since=2999-01-31T08:00:00Z").items("entries").isEmpty)
      let id = try #require(all[0]["id"]?.string)
      #expect(try await client.get("/audit/\(id)").json == all[0])
      #expect(try await client.get("/audit/\(CommandID.made(at: Date()))").problem == "unknown-resource")
    }
    await store.close()
  }

  @Test("Receipts are listed and shown, by member")
  func receipts() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let members = (1...2).map { UserID.made(at: Date(timeIntervalSince1970: Double($0))) }
    let receipts = (1...3).map { number in
      DeprovisionReceipt(
        id: .made(at: Date(timeIntervalSince1970: Double(number))), workspace: store.workspace, member: members[number == 2 ? 1 : 0],
        memberVersion: 2, reason: .disabled, revokedAt: Date(timeIntervalSince1970: Double(number)), invitationRevoked: false, groups: [],
        events: [])
    }
    for receipt in receipts {
      try await store.write(
        "insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document) values ($1, $2, $3, 'disabled', $4, $5)",
        [
          .uuid(store.workspace.uuid), .uuid(receipt.id.uuid), .uuid(receipt.member.uuid), .timestamp(receipt.revokedAt),
          .text(String(decoding: try JSONData.encode(receipt), as: UTF8.self)),
        ])
    }
    try await bench.serving { client in
      #expect(try await client.all("/receipts", "receipts", limit: 2).texts("id") == receipts.reversed().map { "\($0.id)" })
      let one = try await client.get("/receipts?member=\(members[1])").items("receipts")
      #expect(one.texts("id") == ["\(receipts[1].id)"])
      let shown = try await client.get("/receipts/\(receipts[0].id)")
      #expect(shown.json["member"] == .string("\(members[0])") && shown.json["reason"] == "disabled", "\(shown.text)")
      #expect(try await client.get("/receipts/\(ReceiptID.made(at: Date()))").status == 404)
    }
    await store.close()
  }
}
