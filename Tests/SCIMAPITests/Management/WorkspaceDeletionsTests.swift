import Foundation
import Models
import Postgres
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI

@Suite("Deletion of a workspace", .timeLimit(.minutes(10)))
struct WorkspaceDeletionsTests {
  @Test("The operator schedules a deletion with the slug, at once or after 30 days, and takes it back")
  func schedule() async throws {
    let bench = try await ManagementBench.start()
    let began = Date()
    try await bench.serving(token: bench.deploymentToken) { client in
      let scheduled = try await client.post("/deletion", #"{"slug":"acme"}"#)
      #expect(scheduled.status == 202 && scheduled.json["slug"] == "acme", "\(scheduled.text)")
      #expect(scheduled.json["topicRetention"]?.string?.contains("30 days") == true)
      #expect(try await client.post("/deletion", #"{"slug":"acme","now":true}"#).status == 202)
      #expect(try await client.send("DELETE", "/deletion").status == 204)
      for body in [#"{"now":true}"#, #"{"slug":"acme","now":"yes"}"#, #"{"slug":"acme","later":true}"#] {
        #expect(try await client.post("/deletion", body).status == 400, "\(body)")
      }
    }
    let orders: [Double] = bench.operations.compactMap { operation in
      guard case .deleteWorkspace(let deletion) = operation else { return nil }
      return deletion.dueAt.timeIntervalSince(began)
    }
    #expect(orders.count == 2)
    #expect((orders.first ?? 0) >= WorkspaceDeletion.grace && (orders.last ?? .infinity) < WorkspaceDeletion.grace)
    #expect(bench.operations.last == .restoreWorkspace)
    await bench.store.close()
  }

  @Test("The token of a workspace can neither delete nor restore it, nor read receipts")
  func ownToken() async throws {
    let bench = try await ManagementBench.start()
    try await bench.serving { client in
      let answers = [
        try await client.post("/deletion", #"{"slug":"acme","now":true}"#), try await client.send("DELETE", "/deletion"),
      ]
      #expect(answers.map(\.status) == [403, 403])
    }
    try await bench.serving(base: ResourcePath.admin) { client in
      let answer = try await client.get("/workspace-deletions")
      #expect(answer.status == 403)
    }
    #expect(bench.operations.isEmpty)
    await bench.store.close()
  }

  @Test("Receipts are listed newest first, in pages")
  func receipts() async throws {
    let bench = try await ManagementBench.start()
    for day in 1...3 {
      try await bench.store.write(
        """
        insert into identity.workspace_deletions (
          workspace_id, slug, requested_by, requested_at, due_at, begun_at, finished_at, deleted)
        values ($1, $2, 'operator:ana', $3, $3, $3, $4, '{"identity.users":7}')
        """,
        [
          .uuid(UUID()), .text("customer-\(day)"), .timestamp(Date(timeIntervalSince1970: Double(day) * 86_400)),
          day == 3 ? .null : .timestamp(Date(timeIntervalSince1970: Double(day) * 86_400 + 60)),
        ])
    }
    try await bench.serving(token: bench.deploymentToken, base: ResourcePath.admin) { client in
      let found = try await client.all("/workspace-deletions", "deletions", limit: 2)
      #expect(found.texts("slug") == ["customer-3", "customer-2", "customer-1"])
      #expect(found.texts("state") == ["running", "finished", "finished"])
      #expect(found.last?["deleted"]?.object?["identity.users"] == 7)
    }
    await bench.store.close()
  }

  @Test("A deployment-wide token reads a suspended workspace and its data, and a deleted one is not found")
  func suspended() async throws {
    let bench = try await ManagementBench.start()
    let deletion = #"{"requestedAt":"2026-01-31T09:30:00.000Z","requestedBy":"operator:ana","dueAt":"2026-03-02T09:30:00.000Z"}"#
    try await bench.store.write(
      "update identity.workspaces set settings = jsonb_set(settings, '{deletion}', $2::text::jsonb) where id = $1",
      [.uuid(bench.workspace.uuid), .text(deletion)])
    try await bench.serving(token: bench.deploymentToken) { client in
      let shown = try await client.get("")
      #expect(shown.json["deletion"]?.object?["dueAt"] == "2026-03-02T09:30:00.000Z", "\(shown.text)")
      let patched = try await client.send("PATCH", "", #"{"deletion":null}"#)
      #expect(patched.status == 400 && patched.text.contains("/deletion"), "\(patched.text)")
    }
    try await bench.store.write(
      "update identity.workspaces set settings = jsonb_set(settings, '{deletion,finishedAt}', '\"2026-03-02T09:30:00.000Z\"') where id = $1",
      [.uuid(bench.workspace.uuid)])
    let query = WorkspacesQuery(database: bench.store.database)
    #expect(try await query.workspace(bench.workspace) == nil)
    #expect(try await query.workspaces(after: nil, limit: 10).isEmpty)
    await bench.store.close()
  }
}
