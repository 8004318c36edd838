import Foundation
import Kafka
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("scimctl top", .timeLimit(.minutes(5)))
struct TopTests {
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  private static let sample = DeploymentActivity(
    at: Date(timeIntervalSince1970: 1_769_850_000), window: 60,
    workspaces: [.init(slug: "acme", requests: 90, failed: 5, rejected: 2, slowestMilliseconds: 42)],
    lags: [.init(group: "identity-store", messages: 3)], statements: [])

  @Test("The text has a section for workspaces, consumer groups and statements")
  func text() {
    #expect(
      Self.sample.lines == [
        "WORKSPACE  REQUESTS/S  FAILED  REJECTED  SLOWEST", "acme       1.5         5       2         42 ms", "",
        "GROUP           LAG", "identity-store  3", "", "no statements are running", "",
      ])
  }

  @Test("The JSON has numbers with their units in the names")
  func json() throws {
    let object = try #require(try JSONSerialization.jsonObject(with: Data(Self.sample.json.utf8)) as? [String: Any])
    let workspace = try #require((object["workspaces"] as? [[String: Any]])?.first)
    #expect(object["windowSeconds"] as? Int == 60 && object["at"] as? String == "2026-01-31T09:00:00Z")
    #expect(workspace["requests"] as? Int == 90 && workspace["slowestMilliseconds"] as? Int == 42)
    #expect((object["lags"] as? [[String: Any]])?.first?["messages"] as? Int == 3)
  }

  @Test("Through a server it has the workspaces and the waiting events")
  func server() async throws {
    let answer = ScriptedServer.Answer(
      body: """
        {"at":"2026-01-31T09:00:00.000Z","windowSeconds":60,"waitingEvents":7,"workspaces":[{"id":"01997b5d-0000-7000-8000-000000000001",
        "slug":"acme","requests":90,"failed":5,"rejected":2,"slowestMilliseconds":42}]}
        """)
    try await ScriptedServer.with([answer]) { _, client in
      let activity: DeploymentActivity = try await client.get(.admin("activity")).decoded(as: "activity")
      #expect(activity.workspaces == Self.sample.workspaces && activity.at == Self.sample.at && activity.lags == nil)
      #expect(activity.lines.first == Self.sample.lines.first && activity.lines.last == "7 events wait to be published")
      #expect(activity.json.contains("\"waitingEvents\":7") && !activity.json.contains("lags"))
    }
  }

  @Test("Workspaces are counted from the provisioning log of the last minute, and statements of every role are visible")
  func measurement() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String, _ name: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: database, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: name, maximumWait: PostgresServer.testTimeout),
        logger: quiet)
    }
    let (owner, store, scimctl) = (pool("postgres", "test"), pool("identity_store", "identity-store-0"), pool("scimctl", "scimctl"))
    let monitor = ActivityMonitor(
      pool: scimctl,
      inspection: try ClusterInspection(KafkaConfiguration(bootstrapServers: "127.0.0.1:1", clientID: "scimctl"), logger: quiet))
    #expect(try await monitor.busiestWorkspaces(limit: 10).isEmpty)
    let now = Date.now
    for slug in ["acme", "globex", "initech"] {
      let workspace = WorkspaceID.made(at: now)
      _ = try await owner.query(
        Statement(once: "workspace", "insert into identity.workspaces values ($1, $2, '{}', 1, now(), now())"),
        [.uuid(workspace.uuid), .text(slug)])
      let entries: [(secondsAgo: Double, status: Int)] =
        switch slug {
        case "acme": [(1, 201)]
        case "globex": [(1, 201), (2, 404), (3, 429), (4, 503)]
        default: [(300, 201)]
        }
      for entry in entries {
        _ = try await owner.query(
          Statement(
            once: "entry",
            """
            insert into identity.provisioning_log (workspace_id, id, status, failed, entry)
            values ($1, $2, $3::int8, $4, '{"microseconds":2500}')
            """),
          [
            .uuid(workspace.uuid), .uuid(LogEntryID.made(at: now.addingTimeInterval(-entry.secondsAgo)).uuid), .int(Int64(entry.status)),
            .bool(entry.status >= 400),
          ])
      }
    }
    #expect(
      try await monitor.busiestWorkspaces(limit: 10) == [
        .init(slug: "globex", requests: 4, failed: 3, rejected: 2, slowestMilliseconds: 3),
        .init(slug: "acme", requests: 1, failed: 0, rejected: 0, slowestMilliseconds: 3),
      ])
    #expect(try await monitor.busiestWorkspaces(limit: 1).map(\.slug) == ["globex"])

    async let slow = store.query(Statement(once: "slow", "select 'visible'\n  from pg_sleep(3)"))
    try await eventually("the statement to be seen") {
      try await monitor.runningStatements().contains {
        $0.process == "identity-store-0" && $0.text.contains("select 'visible' from pg_sleep")
      }
    }
    _ = try await slow
    for pool in [owner, store, scimctl] { await pool.close() }
  }
}
