import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ScimAPI

@Suite("Rebuilds and health in the management API", .timeLimit(.minutes(10)))
struct RebuildsAPITests {
  /// A bench whose replies store rebuilds, as identity-store does: one unfinished rebuild at a time.
  private static func start() async throws -> ManagementBench {
    var bench = try await ManagementBench.start()
    let store = bench.store
    bench.builder.reply = { command in
      guard case .rebuild(let rebuild) = command.operation else { return .done }
      try await store.write(
        """
        insert into identity.rebuilds (id, consumer, reason, invitations, requested_at, only_workspace_id)
        values ($1, $2, $3, $4, date_trunc('milliseconds', clock_timestamp()), $5)
        on conflict do nothing
        """,
        [
          .uuid(command.id.uuid), .text(rebuild.consumer), .text(rebuild.reason), .text(rebuild.invitations.rawValue),
          .optional(rebuild.workspace?.uuid, PostgresValue.uuid),
        ])
      return .done
    }
    return bench
  }

  @Test("A rebuild of one workspace is requested, shown with its progress and listed; only one runs at a time")
  func rebuild() async throws {
    let bench = try await Self.start()
    let store = bench.store
    try await bench.serving { client in
      let started = try await client.post("/rebuilds", #"{"invitations":"none","reason":"Restored a backup"}"#)
      #expect(
        started.status == 202 && started.json["state"] == "waiting" && started.json["reason"] == "Restored a backup", "\(started.text)")
      let id = try #require(started.json["id"]?.string)
      #expect(started.headers["location"]?.hasSuffix("/rebuilds/\(id)") == true)
      let second = try await client.post("/rebuilds")
      #expect(second.status == 409 && second.problem == "rebuild-running" && second.detail.contains(id), "\(second.text)")
      try await store.write(
        "update identity.rebuilds set workspace_id = only_workspace_id, stage = 'users' where id = $1",
        [.uuid(try #require(CommandID(id)).uuid)])
      let running = try await client.get("/rebuilds/\(id)")
      #expect(running.json["state"] == "running" && running.json["stage"] == "users", "\(running.text)")
      try await store.write("update identity.rebuilds set finished_at = now()", [])
      #expect(try await client.get("/rebuilds/\(id)").json["state"] == "finished")
      #expect(try await client.post("/rebuilds").status == 202)
      let all = try await client.all("/rebuilds", "rebuilds", limit: 1)
      #expect(all.texts("state") == ["waiting", "finished"] && all.last?["id"]?.string == id)
      #expect(try await client.get("/rebuilds/\(CommandID.made(at: Date()))").status == 404)
    }
    guard case .rebuild(let rebuild)? = bench.operations.first else {
      Issue.record("no rebuild")
      return
    }
    #expect(
      rebuild
        == Rebuild(consumer: Rebuild.administrator, reason: "Restored a backup", invitations: .none, workspace: bench.workspace))
    #expect(bench.builder.sentCommands.entries.allSatisfy { $0.workspace == bench.workspace })
    await store.close()
  }

  @Test("A repeated request with the same key returns the rebuild of the first one")
  func idempotency() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      var ids: [String?] = []
      for _ in 0..<2 {
        let answer = try await client.post("/rebuilds", headers: ["Idempotency-Key": "rebuild-key-1"])
        #expect(answer.status == 202, "\(answer.text)")
        ids.append(answer.json["id"]?.string)
      }
      #expect(ids[0] != nil && ids[0] == ids[1])
    }
    await bench.store.close()
  }

  @Test("Rebuilds of other workspaces and of the deployment are not shown")
  func others() async throws {
    let bench = try await Self.start()
    let (other, whole) = (CommandID.made(at: Date()), CommandID.made(at: Date()))
    for (id, workspace) in [(other, WorkspaceID.made(at: Date()).uuid), (whole, nil)] as [(CommandID, UUID?)] {
      try await bench.store.write(
        """
        insert into identity.rebuilds (id, consumer, reason, invitations, requested_at, only_workspace_id)
        values ($1, 'group-sync', '', 'none', now(), $2)
        """, [.uuid(id.uuid), .optional(workspace, PostgresValue.uuid)])
    }
    try await bench.serving { client in
      let list = try await client.get("/rebuilds")
      #expect(list.items("rebuilds").isEmpty)
      for id in [other, whole] { #expect(try await client.get("/rebuilds/\(id)").status == 404) }
      #expect(try await client.post("/rebuilds").status == 202, "another workspace's rebuild does not prevent it")
    }
    await bench.store.close()
  }

  @Test("Invalid bodies are rejected")
  func bodies() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      for (body, pointer) in [
        (#"{"invitations":"some"}"#, "/invitations"), (#"{"invitations":1}"#, "/invitations"), (#"{"workspace":"x"}"#, "/workspace"),
        (#"{"reason":"\#(String(repeating: "x", count: 501))"}"#, "/reason"),
      ] {
        let answer = try await client.post("/rebuilds", body)
        #expect(answer.status == 400, "\(answer.text)")
        #expect(answer.json["errors"]?.array?.first?.object?["pointer"]?.string == pointer, "\(answer.text)")
      }
    }
    #expect(bench.operations.isEmpty)
    await bench.store.close()
  }

  @Test("The health of a workspace has its senders, failures and pending changes")
  func workspaceHealth() async throws {
    let bench = try await Self.start()
    let store = bench.store
    try await store.write(
      """
      insert into identity.held_changes
      (workspace_id, id, resource_id, kind, leaving, requested_by, held_at, asked_at, status, standing)
      values ($1, $2, $3, 'user-disabled', '{}', 'token:x', now(), now(), 'pending', false)
      """, [.uuid(store.workspace.uuid), .uuid(HeldChangeID.made(at: Date()).uuid), .uuid(ResourceID.made(at: Date()).uuid)])
    try await bench.serving { client in
      let health = try await client.get("/health")
      #expect(health.status == 200 && health.json["isOpen"] == true && health.json["obstacle"] == nil, "\(health.text)")
      #expect(health.json["pendingHeldChanges"] == 1 && health.json["senders"] == [] && health.json["failures"] == [])
      #expect(health.items("hours").count == 24 && health.items("days").count == 30)
    }
    await store.close()
  }

  @Test("The health of the deployment tells whether the database and identity-store respond, to deployment-wide tokens only")
  func deploymentHealth() async throws {
    var bench = try await Self.start()
    try await bench.serving(token: bench.deploymentToken, base: ResourcePath.admin) { client in
      let health = try await client.get("/health")
      #expect(health.status == 200 && health.json["status"] == "ok", "\(health.text)")
      #expect(health.items("checks").texts("name") == ["database", "identity-store"])
      #expect(health.items("checks")[0]["waitingEvents"] == 0)
    }
    let store = bench.store
    try await store.write(
      """
      insert into identity.provisioning_log (workspace_id, id, status, failed, entry)
      values ($1, $2, 503, true, '{"microseconds":2500}')
      """, [.uuid(store.workspace.uuid), .uuid(LogEntryID.made(at: Date()).uuid)])
    try await bench.serving(token: bench.deploymentToken, base: ResourcePath.admin) { client in
      let activity = try await client.get("/activity?limit=5")
      #expect(activity.status == 200 && activity.json["waitingEvents"] == 0, "\(activity.text)")
      #expect(activity.items("workspaces").texts("id") == ["\(store.workspace)"])
      #expect(activity.items("workspaces")[0]["rejected"] == 1)
      let invalid = try await client.get("/activity?limit=0")
      #expect(invalid.status == 400 && invalid.text.contains("1 to 200"))
    }
    #expect(bench.operations == [.restate(Restatement())], "the check changes nothing")
    #expect(bench.builder.sentCommands.entries.first?.actor == .service("scim-api"))
    try await bench.serving(token: bench.token, base: ResourcePath.admin) { client in
      for path in ["/health", "/activity"] {
        let answer = try await client.get(path)
        #expect(answer.status == 403)
      }
    }
    // Without a reply, and without a database.
    bench.builder.reply = { _ in nil }
    bench.builder.database = nil
    try await bench.serving(token: bench.deploymentToken, base: ResourcePath.admin) { client in
      let health = try await client.get("/health")
      #expect(health.status == 200 && health.json["status"] == "failing", "\(health.text)")
      #expect(health.items("checks").texts("status") == ["failing", "failing"])
    }
    await bench.store.close()
  }
}
