import Foundation
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Deletion of workspaces", .timeLimit(.minutes(10)))
struct WorkspaceDeletionTests {
  private func deletion(_ slug: String = "acme", in seconds: Double = WorkspaceDeletion.grace) -> Command.Operation {
    .deleteWorkspace(WorkspaceDeletion(slug: slug, dueAt: Fixture.start + seconds))
  }

  @Test("A workspace is suspended at once, refuses every write, and can be restored until it is due")
  func suspension() throws {
    var fixture = Fixture()
    let (workspace, slug) = (Fixture.workspace.resource, try #require(fixture.settings?.slug))
    #expect(fixture.decide(deletion("other"), on: workspace).status == 400)
    #expect(fixture.settings?.deletion == nil)
    #expect(fixture.decide(deletion(slug), on: workspace).status == 204)
    let scheduled = try #require(fixture.settings?.deletion)
    #expect(scheduled.finishedAt == nil && scheduled.dueAt > scheduled.requestedAt)
    #expect(fixture.createUser(#"{"userName":"ana@example.com"}"#).outcome.status == 403)
    let settings = try #require(fixture.settings)
    #expect(fixture.decide(.updateWorkspace(settings), on: workspace).status == 403)
    let grant = TokenGrant(
      token: .made(at: Fixture.start), kind: .session, name: "Ana", scopes: [.admin], digest: String(repeating: "e", count: 64),
      expiresAt: Fixture.start + 3600)
    #expect(fixture.decide(.issueToken(grant), on: workspace).status == 403)
    #expect(fixture.decide(.restoreWorkspace, on: workspace).status == 204)
    #expect(fixture.settings?.deletion == nil)
    #expect(fixture.createUser(#"{"userName":"ana@example.com"}"#).outcome.status == 201)
  }

  @Test("A deletion that is due cannot be taken back, and a deleted workspace is not found")
  func final() throws {
    var fixture = Fixture()
    let (workspace, slug) = (Fixture.workspace.resource, try #require(fixture.settings?.slug))
    #expect(fixture.decide(deletion(slug, in: -1), on: workspace).status == 204)
    #expect(fixture.decide(.restoreWorkspace, on: workspace).status == 409)
    fixture.configure { $0.deletion?.finishedAt = Fixture.start }
    #expect(fixture.decide(deletion(slug), on: workspace).status == 404)
    #expect(fixture.createUser(#"{"userName":"ana@example.com"}"#).outcome.status == 404)
  }

  @Test("Only the order changes the deletion, not an update of the settings")
  func settings() throws {
    var fixture = Fixture()
    var settings = try #require(fixture.settings)
    settings.deletion = ScheduledDeletion(requestedAt: Fixture.start, requestedBy: "x", dueAt: Fixture.start)
    settings.name = "Another"
    #expect(fixture.decide(.updateWorkspace(settings), on: Fixture.workspace.resource).status == 204)
    #expect(fixture.settings?.name == "Another" && fixture.settings?.deletion == nil)
  }

  /// The number of rows of a workspace in all tables of the schemas, without the receipt.
  private static let remaining = """
    select sum((xpath('/row/n/text()', query_to_xml(
      format('select count(*) as n from %I.%I where %I = %L', n.nspname, c.relname, a.attname, 'WORKSPACE'), false, true, '')))[1]::text::bigint)::bigint
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname in ('workspace_id', 'owner_id') and not a.attisdropped
    where n.nspname in ('identity', 'mailer', 'directory') and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname <> 'workspace_deletions' and not (c.relname = 'rebuilds' and a.attname = 'workspace_id')
    """

  private func remaining(of workspace: WorkspaceID, in store: StoreDatabase) async throws -> Int {
    try await store.count(Self.remaining.replacing("WORKSPACE", with: "\(workspace)"))
  }

  @Test("A deletion removes the rows of the workspace from every table, keeps those of others, and leaves a receipt")
  func rows() async throws {
    let store = try await StoreDatabase.start(migrations: SchemaMigrations.all)
    let process = store.process()
    let other = WorkspaceID.made(at: Date())
    let otherSettings = WorkspaceSettings(
      slug: "other", name: "Other", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://other.example/")
    let creation = Command(
      id: .made(at: Date()), workspace: other, resource: other.resource, actor: .service("test"), issuedAt: Date(), deadline: nil,
      operation: .createWorkspace(otherSettings))
    _ = try await process.execute([creation])
    _ = try await process.execute((1...30).map { store.createUser("user\($0)@example.com") })
    for workspace in [store.workspace, other] {
      for sql in Self.rows { _ = try await process.pool.query(Statement(once: "row", sql), [.uuid(workspace.uuid), .uuid(UUID())]) }
    }
    let order = WorkspaceDeletion(slug: "acme", dueAt: Date())
    let ordered = try await process.execute([store.command(.deleteWorkspace(order), on: store.workspace.resource)])
    #expect(ordered.map(\.outcome.status) == [204])
    let before = try await remaining(of: other, in: store)
    #expect(try await remaining(of: store.workspace, in: store) > 30)

    var runner = WorkspaceDeletionRunner(pool: process.pool, logger: quiet, page: 7)
    #expect(try await runner.runNext() == false, "what was in flight has a minute to arrive")
    runner.delay = .zero
    #expect(try await runner.runNext() == true)
    #expect(try await runner.runNext() == false)
    #expect(try await remaining(of: store.workspace, in: store) == 0)
    #expect(try await remaining(of: other, in: store) == before)
    #expect(try await store.count("select count(*) from identity_read.workspaces") == 1)
    let receipt = try await store.text(
      "select deleted::text from identity.workspace_deletions where slug = 'acme' and finished_at is not null")
    #expect(receipt.contains("\"identity.users\": 30") && receipt.contains("\"directory.events\": 1"), "\(receipt)")

    // The slug is free, and the deleted workspace accepts nothing.
    let late = try await process.execute([store.createUser("late@example.com")])
    #expect(late.map(\.outcome.status) == [404])
    let successor = Command(
      id: .made(at: Date()), workspace: .made(at: Date()), resource: .made(at: Date()), actor: .service("test"), issuedAt: Date(),
      deadline: nil,
      operation: .createWorkspace(
        WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")))
    #expect(try await process.execute([successor]).map(\.outcome.status) == [204])
    await process.pool.close()
  }

  /// Rows of a workspace in the other schemas. Parameters: workspace, an id.
  private static let rows = [
    "insert into mailer.workspaces (workspace_id, version, settings) values ($1, 1, '{}')",
    """
    insert into mailer.invitations (workspace_id, id, user_id, user_version, state, created_at) values ($1, $2, $2, 1, 'sent', now())
    """,
    """
    insert into directory.members (workspace_id, id, state, version) values ($1, $2, 'active', 1)
    """,
    """
    insert into directory.events (position, workspace_id, sequence, id, type, data)
    select n, $1, 1, $2::text, 'member.invited', '{}' from (select count(*) + 1 as n from directory.events) c
    """,
    "insert into directory.event_sequences (workspace_id, last_sequence) values ($1, 1)",
  ]

  @Test("What arrives after a deletion is deleted by the daily sweep")
  func sweep() async throws {
    let store = try await StoreDatabase.start(migrations: SchemaMigrations.all)
    let process = store.process()
    _ = try await process.execute([
      store.command(.deleteWorkspace(WorkspaceDeletion(slug: "acme", dueAt: Date())), on: store.workspace.resource)
    ])
    let runner = WorkspaceDeletionRunner(pool: process.pool, logger: quiet, delay: .zero)
    #expect(try await runner.runNext() == true)
    for sql in Self.rows { _ = try await process.pool.query(Statement(once: "row", sql), [.uuid(store.workspace.uuid), .uuid(UUID())]) }
    #expect(try await runner.runNext() == false)
    _ = try await process.pool.query(
      Statement(
        once: "age",
        "update identity.workspace_deletions set finished_at = now() - interval '2 days', swept_at = now() - interval '25 hours'"))
    #expect(try await runner.runNext() == true)
    #expect(try await remaining(of: store.workspace, in: store) == 0)
    #expect(try await runner.runNext() == false)
    await process.pool.close()
  }
}
