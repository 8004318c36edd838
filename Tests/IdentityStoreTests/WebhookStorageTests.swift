import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Webhook endpoints are stored", .timeLimit(.minutes(10)))
struct WebhookStorageTests {
  private static let secret = [UInt8](repeating: 1, count: 60)
  private static let other = [UInt8](repeating: 2, count: 60)
  private static let subscription = WebhookSubscription(
    url: "https://app.example.com/rollcall", description: "Zoë's \"service\"", types: ["member.updated", "access-revoked"])

  private func command(_ operation: Command.Operation, in store: StoreDatabase, workspace: WorkspaceID? = nil) -> Command {
    var command = store.command(operation, on: store.workspace.resource)
    command.workspace = workspace ?? store.workspace
    return command
  }

  private func create(_ id: WebhookID, in store: StoreDatabase, workspace: WorkspaceID? = nil) -> Command {
    command(.writeWebhook(.create(id, Self.subscription, sealedSecret: Self.secret)), in: store, workspace: workspace)
  }

  private func published(in store: StoreDatabase) async throws -> [WebhookChanged] {
    let pool = store.process().pool
    let rows = try await pool.query(Statement(once: "events", "select headers, payload from identity.outbox order by id"))
    await pool.close()
    return try rows.compactMap { row in
      let pairs = try row.textArray(0)
      let headers = stride(from: 0, to: pairs.count - 1, by: 2).map { (name: pairs[$0], value: pairs[$0 + 1]) }
      guard case .webhookChanged(let event) = try IdentityEvent(CloudEvent(headers: headers, data: row.bytes(1))) else { return nil }
      return event
    }
  }

  @Test("as they are published, with every attribute")
  func roundTrip() async throws {
    let store = try await StoreDatabase.start()
    let id = WebhookID.made(at: Date())
    let until = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 3600).rounded())
    for operation in [
      Command.Operation.writeWebhook(.create(id, Self.subscription, sealedSecret: Self.secret)),
      .writeWebhook(.rotateSecret(id, sealedSecret: Self.other, formerUntil: until)), .disableWebhook(id, reason: "410 Gone"),
      .writeWebhook(.enable(id)),
    ] {
      // A process of its own has nothing in memory.
      let replies = try await store.process().execute([command(operation, in: store)])
      #expect(replies.map(\.outcome.status) == [204])
    }
    let events = try await published(in: store)
    #expect(events.map(\.change) == [.created, .updated, .disabled, .updated])
    #expect(events.map(\.endpoint.version) == [1, 2, 3, 4])
    #expect(events[2].endpoint.disabledReason == "410 Gone")
    let endpoint = try #require(events.last?.endpoint)
    #expect(endpoint.url == Self.subscription.url && endpoint.description == Self.subscription.description)
    #expect(endpoint.types == [.memberUpdated, .accessRevoked])
    #expect(endpoint.sealedSecret == Self.other && endpoint.formerSealedSecret == Self.secret && endpoint.formerSecretUntil == until)
    #expect(endpoint.createdAt == events[0].changedAt && endpoint.state == .enabled)
    #expect(
      try await store.text("select string_agg(type, ',') from (select unnest(types) as type from identity_read.webhook_endpoints) t")
        == "member.updated,access-revoked")
  }

  @Test("and a redelivered command changes nothing")
  func redelivery() async throws {
    let store = try await StoreDatabase.start()
    let creation = create(.made(at: Date()), in: store)
    for _ in 0..<2 { #expect(try await store.process().execute([creation]).map(\.outcome) == [.done]) }
    #expect(try await published(in: store).count == 1)
    #expect(try await store.count("select count(*) from identity.audit where action = 'write-webhook'") == 1)
  }

  @Test("without more than the limit, even if several processes create them at the same time")
  func concurrency() async throws {
    let store = try await StoreDatabase.start()
    _ = try await store.process().execute((0..<WebhookEndpoint.maximumPerWorkspace - 2).map { _ in create(.made(at: Date()), in: store) })
    let statuses = try await withThrowingTaskGroup(of: [Int].self) { tasks in
      for _ in 0..<4 {
        tasks.addTask { try await store.process().execute([create(.made(at: Date()), in: store)]).map(\.outcome.status) }
      }
      return try await tasks.reduce(into: []) { $0 += $1 }
    }
    #expect(statuses.sorted() == [204, 204, 400, 400])
    #expect(try await store.count("select count(*) from identity_read.webhook_endpoints") == WebhookEndpoint.maximumPerWorkspace)
  }

  @Test("for the deployment, apart from those of workspaces")
  func deployment() async throws {
    let store = try await StoreDatabase.start()
    let (id, ofWorkspace) = (WebhookID.made(at: Date()), WebhookID.made(at: Date()))
    let process = store.process()
    let replies = try await process.execute([
      create(id, in: store, workspace: .deployment), create(ofWorkspace, in: store),
      command(.deleteWebhook(id), in: store), command(.deleteWebhook(ofWorkspace), in: store, workspace: .deployment),
      command(.restate(Restatement(workspace: true)), in: store, workspace: .deployment),
    ])
    #expect(replies.map(\.outcome.status) == [204, 204, 404, 404, 204])
    #expect(try await published(in: store).map(\.endpoint.id) == [id, ofWorkspace, id])
    #expect(try await published(in: store).map(\.endpoint.workspace) == [.deployment, store.workspace, .deployment])
    #expect(
      try await store.count("select count(*) from identity.audit where workspace_id = '00000000-0000-0000-0000-000000000000'") == 2)
  }

  @Test("until some time after their deletion, without secrets and out of sight")
  func deletion() async throws {
    let store = try await StoreDatabase.start()
    // In the order of their ids, in which they are published again.
    let (id, kept) = (WebhookID.made(at: Date()), WebhookID.made(at: Date() + 1))
    let process = store.process()
    _ = try await process.execute([create(id, in: store), create(kept, in: store)])
    _ = try await process.execute([command(.deleteWebhook(id), in: store)])
    #expect(try await store.count("select count(*) from identity_read.webhook_endpoints") == 1)
    #expect(
      try await store.count(
        "select count(*) from identity.webhook_endpoints where deleted_at is not null and secret = '' and former_secret is null") == 1)
    let restatement = command(.restate(Restatement(workspace: true)), in: store)
    _ = try await store.process().execute([restatement])
    #expect(try await published(in: store).suffix(2).map(\.change) == [.deleted, .restated])
    let trimming = RowTrimming(rows: .webhooks, pool: process.pool, logger: quiet)
    #expect(try await trimming.trim() == 0)
    _ = try await process.pool.query(
      Statement(once: "age", "update identity.webhook_endpoints set deleted_at = now() - interval '61 days' where deleted_at is not null"))
    #expect(try await trimming.trim() == 1)
    #expect(try await store.count("select count(*) from identity.webhook_endpoints") == 1)
  }

  @Test("and batches without such commands do not load them")
  func cost() {
    let store = WriteSet(of: [
      ParsedCommand(
        Command(
          id: .made(at: Fixture.start), workspace: Fixture.workspace, resource: .made(at: Fixture.start), actor: .service("test"),
          issuedAt: Fixture.start, operation: .createUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#))))
    ])
    #expect(store.webhookOwners.isEmpty)
    #expect(LoadStatements.loads(for: store, knowing: [:]).allSatisfy { $0.statement.name != "load webhook endpoints" })
  }
}
