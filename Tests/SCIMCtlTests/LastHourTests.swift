import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("doctor looks back over the last hour", .timeLimit(.minutes(5)))
struct LastHourTests {
  @Test("Requests with a 5xx of the last hour are counted by status, and older ones and other failures are not")
  func requests() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: database, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "test", maximumWait: PostgresServer.testTimeout),
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
    let (owner, scimctl) = (pool("postgres"), pool("scimctl"))
    #expect(try await LastHourCheck(pool: scimctl).findings().map(\.status) == [.ok])
    let now = Date.now
    let (acme, globex) = (WorkspaceID.made(at: now), WorkspaceID.made(at: now))
    let entries: [(workspace: WorkspaceID, minutesAgo: Double, status: Int)] = [
      (acme, 1, 503), (acme, 50, 503), (globex, 2, 503), (acme, 3, 500), (acme, 90, 500), (globex, 70, 503), (acme, 1, 404),
    ]
    for entry in entries {
      _ = try await owner.query(
        Statement(
          once: "entry",
          "insert into identity.provisioning_log (workspace_id, id, status, failed, entry) values ($1, $2, $3::int8, true, '{}')"),
        [
          .uuid(entry.workspace.uuid), .uuid(LogEntryID.made(at: now.addingTimeInterval(-60 * entry.minutesAgo)).uuid),
          .int(Int64(entry.status)),
        ])
    }
    let findings = try await LastHourCheck(pool: scimctl).findings()
    #expect(findings.map(\.status) == [.warn, .warn])
    #expect(findings.first?.message == "requests with status 500 within the last hour: 1 (workspaces: 1)")
    #expect(findings.last?.message.hasPrefix("requests with status 503 within the last hour: 3 (workspaces: 2); ") == true)
    #expect(findings.last?.fix?.contains("RollcallCommandsUnanswered") == true)
    await owner.close()
    await scimctl.close()
  }

  @Test("Failures are listed first, then warnings, skipped checks and what is in order; each in the order of the checks")
  func order() {
    let findings: [Finding] = [
      .ok("database", ""), .warn("outbox", "", fix: ""), .skipped("mail", ""), .fail("kafka", "", fix: ""), .ok("clock", ""),
      .warn("secrets", "", fix: ""), .fail("schema", "", fix: ""),
    ]
    #expect(Finding.worstFirst(findings).map(\.check) == ["kafka", "schema", "outbox", "secrets", "mail", "database", "clock"])
  }
}
