import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("Names that are equal by their comparison key, in doctor", .timeLimit(.minutes(10)))
struct SharedNameTests {
  @Test("Two people with one name are listed with their ids, and what to do about it")
  func findings() {
    let shared = DatabaseCheck.SharedName(slug: "acme", type: "User", id: "1", name: "jose\u{301}", holder: "2", holderName: "jos\u{E9}")
    let found = DatabaseCheck.names(waiting: 3, shared: [shared])
    #expect(found.map(\.standing) == [.warn])
    for part in ["acme", "(id 1)", "(id 2)", "userName"] { #expect(found[0].message.contains(part)) }
    #expect(found[0].mend?.contains("DELETE /Users/<id>") == true)
    #expect(DatabaseCheck.names(waiting: 3, shared: []).map(\.standing) == [.ok])
  }

  @Test("The database is asked for them, and for groups as well")
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
    #expect(found.map(\.standing) == [.warn])
    #expect(found.first?.message.contains("\(groups[1])") == true)
    #expect(found.first?.mend?.contains("DELETE /Groups/<id>") == true)
    await pool.close()
  }
}
