import Foundation
import Kafka
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("A consumer that lost messages", .timeLimit(.minutes(10)))
struct RebuildTests {
  @Test("gets the state of every workspace republished by one command, even if it is sent repeatedly")
  func rebuild() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([store.createUser("ana@example.com", on: ana), store.createUser("ben@example.com", on: ben)])
    let group = ResourceID.made(at: Date())
    _ = try await process.execute([
      store.command(.createGroup(document: Fixture().group("Team", members: [ana])), on: group), store.command(.deleteUser, on: ben),
    ])
    for owner in [store.workspace, .deployment] {
      var creation = store.command(
        .writeWebhook(
          .create(.made(at: Date()), WebhookSubscription(url: "https://example.com"), sealedSecret: [UInt8](repeating: 1, count: 60))))
      creation.workspace = owner
      #expect(try await process.execute([creation]).map(\.outcome) == [.done])
    }
    _ = try await process.pool.query(Statement(once: "forget", "delete from identity.outbox"))

    let request = Rebuild(consumer: "group-sync", reason: "identity.events[1] from 10 to 15", invitations: .none)
      .command(id: .made(at: Date()), by: "group-sync", at: Date())
    for _ in 0..<2 { #expect(try await process.execute([request]).map(\.outcome) == [.done]) }
    #expect(try await store.count("select count(*) from identity.rebuilds where finished_at is null") == 1)
    #expect(try await store.count("select count(*) from identity.audit where action = 'rebuild'") == 0)

    try await runRebuild(of: store, process)

    #expect(try await store.count("select count(*) from identity.rebuilds where finished_at is not null") == 1)
    let events = try await process.pool.query(Statement(once: "events", "select headers, payload from identity.outbox order by id"))
    var kinds: [String] = []
    for row in events {
      let headers = [String: String](pairs: try row.textArray(0))
      kinds.append("\(headers["ce_type"] ?? "")")
      #expect(!String(decoding: try row.bytes(1), as: UTF8.self).contains(#""missing":"missing""#))
    }
    // The webhook endpoints of the deployment come first. The workspace and its endpoints come before its users, and these before the groups.
    #expect(
      kinds.map { $0.replacing("rollcall.", with: "") }
        == ["webhook.changed.v1", "workspace.changed.v1", "webhook.changed.v1", "user.changed.v1", "user.changed.v1", "group.changed.v1"])
  }

  @Test("gets the state of one workspace republished if the command names it, one rebuild at a time")
  func oneWorkspace() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let other = WorkspaceID.made(at: Date())
    let settings = WorkspaceSettings(
      slug: "globex", name: "Globex", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://globex.example/")
    func command(_ operation: Command.Operation, in workspace: WorkspaceID, by actor: Command.Actor = .service("test")) -> Command {
      Command(
        id: .made(at: Date()), workspace: workspace, resource: workspace.resource, actor: actor, issuedAt: Date(), operation: operation)
    }
    _ = try await process.execute([command(.createWorkspace(settings), in: other), store.createUser("ana@example.com")])
    _ = try await process.pool.query(Statement(once: "forget", "delete from identity.outbox"))

    let rebuild = Rebuild(consumer: Rebuild.administrator, reason: "test", invitations: .none, workspace: store.workspace)
    // A request for a workspace that does not exist, or for another one than that of the command, is refused.
    for (asked, workspace) in [
      (Rebuild(consumer: Rebuild.administrator, reason: "", invitations: .none, workspace: .made(at: Date())), nil), (rebuild, other),
    ] as [(Rebuild, WorkspaceID?)] {
      let outcome = try await process.execute([command(.rebuild(asked), in: workspace ?? asked.workspace ?? other)]).first?.outcome
      guard case .refused(let status, _)? = outcome else {
        Issue.record("\(String(describing: outcome))")
        return
      }
      #expect(status == (workspace == nil ? 404 : 400))
    }
    let request = command(.rebuild(rebuild), in: store.workspace, by: .deploymentToken(.made(at: Date())))
    #expect(try await process.execute([request]).map(\.outcome) == [.done])
    // A second one is not stored until the first is finished.
    #expect(try await process.execute([command(.rebuild(rebuild), in: store.workspace)]).map(\.outcome) == [.done])
    #expect(try await store.count("select count(*) from identity.rebuilds") == 1)
    #expect(try await store.count("select count(*) from identity.audit where action = 'rebuild'") == 1)

    try await runRebuild(of: store, process)
    #expect(
      try await process.pool.query(Statement(once: "events", "select payload from identity.outbox order by id"))
        .map { String(decoding: try $0.bytes(0), as: UTF8.self) }.allSatisfy { !$0.contains("\(other)") && !$0.contains("globex") })
    #expect(try await store.count("select count(*) from identity.outbox") == 2, "the workspace and its user")

    // Finished ones are kept for a month.
    _ = try await process.pool.query(Statement(once: "age", "update identity.rebuilds set finished_at = now() - interval '31 days'"))
    #expect(try await process.execute([command(.rebuild(rebuild), in: store.workspace)]).map(\.outcome) == [.done])
    #expect(try await store.count("select count(*) from identity.rebuilds where finished_at is null") == 1)
    #expect(try await store.count("select count(*) from identity.rebuilds") == 1)
  }

  /// Executes the requested rebuild, and the commands that it sends.
  private func runRebuild(of store: StoreDatabase, _ process: StoreDatabase.StoreProcess) async throws {
    let broker = try await KafkaBroker.start()
    try await TopicAdministration.ensure(
      [.identityCommands], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let consumer = try Consumer(
      broker.configuration(), ConsumerConfiguration(group: "store", instance: "0", topics: [.identityCommands]), logger: quiet)
    let runner = RebuildRunner(pool: process.pool, producer: producer, source: "identity-store/0", logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await consumer.run() }
      tasks.addTask {
        let other = store.process()
        for try await batch in consumer.batches {
          _ = try await other.execute(try batch.messages.map { try ReceivedCommand($0).read.command })
          try await consumer.commit(batch)
        }
      }
      let (hasRun, hasMore) = (try await runner.runNext(), try await runner.runNext())
      #expect(hasRun)
      #expect(!hasMore)
      tasks.cancelAll()
    }
    await producer.close()
  }

  @Test("waits for another process that works on a rebuild, until its claim expires")
  func claim() async throws {
    let store = try await StoreDatabase.start()
    let pool = store.process().pool
    func request() async throws {
      let rebuild = Rebuild(consumer: "group-sync", reason: "", invitations: .none)
      _ = try await pool.query(
        RebuildStatements.request, RebuildStatements.parameters(of: rebuild, id: .made(at: Date()), at: Date()))
    }
    func claim(_ process: String) async throws -> Int {
      try await pool.query(RebuildStatements.claim, [.text(process), .double(60)]).count
    }
    try await request()
    try await request()
    #expect(try await claim("identity-store/0") == 1)
    #expect(try await claim("identity-store/1") == 0)
    #expect(try await claim("identity-store/0") == 1)
    _ = try await pool.query(Statement(once: "age", "update identity.rebuilds set claimed_until = now() - interval '1 second'"))
    #expect(try await claim("identity-store/1") == 1)
  }
}
