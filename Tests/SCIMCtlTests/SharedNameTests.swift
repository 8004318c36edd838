import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("Names with the same comparison key in scimctl doctor", .timeLimit(.minutes(10)))
struct SharedNameTests {
  @Test("Two users with the same name are reported with their ids and a fix")
  func findings() {
    let shared = DatabaseCheck.SharedName(slug: "acme", type: "User", id: "1", name: "jose\u{301}", holder: "2", holderName: "jos\u{E9}")
    let found = DatabaseCheck.names(waiting: 3, shared: [shared])
    #expect(found.map(\.status) == [.warn])
    for part in ["acme", "(id 1)", "(id 2)", "userName"] { #expect(found[0].message.contains(part)) }
    #expect(found[0].fix?.contains("DELETE /Users/<id>") == true)
    #expect(DatabaseCheck.names(waiting: 3, shared: []).map(\.status) == [.ok])
  }

  @Test("Users and groups with the same name are found in the database")
  func database() async throws {
    let server = try await PostgresServer.shared()
    let pool = PostgresPool(
      PostgresConfiguration(
        url: server.url(database: try await server.createDatabase(migrations: SchemaMigrations.all)), connections: 1,
        statementTimeout: PostgresServer.testTimeout, applicationName: "SCIMCtlTests", maximumWait: PostgresServer.testTimeout),
      logger: Logger(label: "scimctl", factory: { _ in SwiftLogNoOpLogHandler() }))
    let workspace = WorkspaceID.made(at: Date())
    let groups = [ResourceID.made(at: Date()), ResourceID.made(at: Date())]
    _ = try await pool.query(
      Statement(once: "workspace", "insert into identity.workspaces values ($1, 'acme', '{}', 1, now(), now())"), [.uuid(workspace.uuid)])
    for (id, (name, key)) in zip(groups, [("N10 app", "n10 app"), ("N10 app ", " duplicate")]) {
      _ = try await pool.query(
        Statement(
          once: "group",
          """
          insert into identity.groups (workspace_id, id, display_name, display_name_key, version, keyed_version, created_at, modified_at, document)
          values ($1, $2, $3, $4, 1, 1, now(), now(), '')
          """), [.uuid(workspace.uuid), .uuid(id.uuid), .text(name), .text(key)])
    }
    _ = try await pool.query(
      Statement(once: "outdated", "insert into identity.outdated_keys values ($1, 'Group', $2, $3, now())"),
      [.uuid(workspace.uuid), .uuid(groups[1].uuid), .uuid(groups[0].uuid)])
    let found = try await DatabaseCheck(pool: pool).findings().filter { $0.check == "names" }
    #expect(found.map(\.status) == [.warn])
    #expect(found.first?.message.contains("\(groups[1])") == true)
    #expect(found.first?.fix?.contains("DELETE /Groups/<id>") == true)
    await pool.close()
  }
}
