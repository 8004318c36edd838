import Foundation
import Kafka
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Imports of accounts", .timeLimit(.minutes(10)))
struct AccountImportTests {
  private static let domain = MailDomainChange(domain: "acme.example", action: .assert)

  private static func lines(_ accounts: [ImportedAccount]) -> [AccountStaging.Line] {
    accounts.enumerated().map { AccountStaging.Line(number: $0.offset + 1, account: $0.element) }
  }

  /// Stages and starts an import, and returns its id.
  private func start(_ accounts: [ImportedAccount], in store: StoreDatabase, _ process: StoreDatabase.StoreProcess) async throws
    -> CommandID
  {
    let id = CommandID.made(at: Date())
    let lines = Self.lines(accounts)
    var commands: [Command] = []
    for start in stride(from: 0, to: lines.count, by: AccountStaging.maximumLines) {
      let part = Array(lines[start..<min(start + AccountStaging.maximumLines, lines.count)])
      commands.append(store.command(.stageAccounts(AccountStaging(importID: id, lines: part)), on: store.workspace.resource))
    }
    commands.append(
      store.command(.startAccountImport(AccountImportStart(importID: id, lines: lines.count)), on: store.workspace.resource))
    for outcome in try await process.execute(commands).map(\.outcome) { #expect(outcome == .done) }
    return id
  }

  /// Runs `body` while a process executes the commands that the runner sends.
  private func running(
    _ store: StoreDatabase, _ pool: PostgresPool, _ body: (AccountImportRunner) async throws -> Void
  ) async throws {
    let broker = try await KafkaBroker.start()
    try await TopicAdministration.ensure(
      [.identityCommands], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let consumer = try Consumer(
      broker.configuration(), ConsumerConfiguration(group: "store", instance: "0", topics: [.identityCommands]), logger: quiet)
    let runner = AccountImportRunner(pool: pool, producer: producer, source: "identity-store/0", logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await consumer.run() }
      tasks.addTask {
        let other = store.process()
        for try await batch in consumer.batches {
          _ = try await other.execute(try batch.messages.map { try ReceivedCommand($0).read.command })
          try await consumer.commit(batch)
        }
      }
      try await body(runner)
      tasks.cancelAll()
    }
    await producer.close()
  }

  private func status(_ id: CommandID, in store: StoreDatabase) async throws -> String {
    try await store.text(
      "select status || ' ' || position || ' ' || linked || ' ' || coalesce(errors, '') from identity.account_imports where id = '\(id)'")
  }

  @Test("An import is applied in chunks, links the users that exist, and the users that are created later")
  func application() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([
      store.command(.changeMailDomain(Self.domain), on: store.workspace.resource), store.createUser("ana@acme.example", on: ana),
    ])
    var accounts = (1...1203).map { ImportedAccount(id: "a\($0)", email: "user-\($0)@acme.example") }
    accounts[700] = ImportedAccount(id: "ana", email: "Ana@acme.example", externalID: "ext-ana")
    let id = try await start(accounts, in: store, process)
    try await running(store, process.pool) { runner in
      let (first, second) = (try await runner.runNext(), try await runner.runNext())
      #expect(first && !second)
    }
    #expect(try await status(id, in: store) == "done 1203 1 ")
    #expect(try await store.count("select count(*) from identity.accounts") == 1203)
    #expect(try await store.count("select count(*) from identity.account_import_lines") == 0)
    #expect(try await store.text("select state || ' ' || account_id from identity.users where id = '\(ana)'") == "active ana")
    #expect(try await store.text("select user_id::text from identity.accounts where account_id = 'ana'") == "\(ana)")

    // Another process finds the accounts, too.
    _ = try await store.process().execute([store.createUser("user-7@acme.example", on: ben)])
    #expect(try await store.text("select state || ' ' || account_id from identity.users where id = '\(ben)'") == "active a7")
    _ = try await store.process().execute([store.command(.deleteUser, on: ben)])
    #expect(try await store.count("select count(*) from identity.accounts where account_id = 'a7' and user_id is null") == 1)
    let events = try await store.count(
      "select count(*) from identity.outbox where convert_from(payload, 'UTF8') like '%\"accountId\":\"a7\"%'")
    #expect(events == 1)
  }

  @Test("An import that conflicts with a stored account is refused as a whole; a deleted account makes way for it")
  func conflicts() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let ana = ResourceID.made(at: Date())
    _ = try await process.execute([store.command(.changeMailDomain(Self.domain), on: store.workspace.resource)])
    let first = try await start([ImportedAccount(id: "old", email: "ana@acme.example", externalID: "x")], in: store, process)
    let clash = [
      ImportedAccount(id: "new", email: "ben@acme.example"), ImportedAccount(id: "new2", email: "ANA@acme.example"),
      ImportedAccount(id: "new3", email: "c@acme.example", externalID: "x"),
    ]
    try await running(store, process.pool) { runner in
      let ran1 = try await runner.runNext()
      #expect(ran1)
      _ = try await process.execute([store.createUser("ana@acme.example", on: ana)])
      let second = try await start(clash, in: store, process)
      let ran2 = try await runner.runNext()
      #expect(ran2)
      #expect(try await status(first, in: store) == "done 1 0 ")
      let refused = try await status(second, in: store)
      #expect(refused.hasPrefix("failed 0 0 ["))
      #expect(refused.contains(#""line":2"#) && refused.contains(#""line":3"#) && !refused.contains(#""line":1"#), "\(refused)")
      #expect(try await store.count("select count(*) from identity.accounts") == 1)

      _ = try await start([ImportedAccount(id: "old", email: "", state: .deleted)], in: store, process)
      _ = try await start(clash, in: store, process)
      let ran3 = try await runner.runNext()
      #expect(ran3)
      let ran4 = try await runner.runNext()
      #expect(ran4)
    }
    #expect(try await store.text("select string_agg(account_id, ' ' order by account_id) from identity.accounts") == "new new2 new3")
    // The link of the deleted account is gone, and the import has linked the user again.
    #expect(try await store.text("select account_id from identity.users where id = '\(ana)'") == "new2")
  }

  @Test("An import starts when all of its lines are stored, in whatever batches, and each line once")
  func staging() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let id = CommandID.made(at: Date())
    let lines = Self.lines([ImportedAccount(id: "1", email: "a@acme.example"), ImportedAccount(id: "2", email: "b@acme.example")])
    func stage(_ lines: [AccountStaging.Line]) -> Command {
      store.command(.stageAccounts(AccountStaging(importID: id, lines: lines)), on: store.workspace.resource)
    }
    func begin(_ lines: Int) -> Command {
      store.command(.startAccountImport(AccountImportStart(importID: id, lines: lines)), on: store.workspace.resource)
    }
    #expect(try await process.execute([begin(2)])[0].outcome.status == 404)
    #expect(try await process.execute([stage([lines[0]]), begin(2)]).map(\.outcome.status) == [204, 409])
    #expect(try await store.process().execute([stage(lines), begin(2), begin(2)]).map(\.outcome.status) == [204, 204, 204])
    #expect(try await store.text("select status || ' ' || lines from identity.account_imports") == "waiting 2")
    #expect(try await process.execute([stage(lines)])[0].outcome.status == 409)
    let malformed = AccountStaging.Line(number: 3, account: ImportedAccount(id: "", email: "a@acme.example"))
    #expect(try await process.execute([stage([malformed])])[0].outcome.status == 409)
    #expect(
      try await process.execute([
        store.command(.stageAccounts(AccountStaging(importID: .made(at: Date()), lines: [malformed])), on: store.workspace.resource)
      ])[0].outcome.error.contains("Line 3"))
  }

  @Test("A process works on an import until its claim expires, and on one import of a workspace at a time")
  func claims() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let account = ImportedAccount(id: "1", email: "a@acme.example")
    let first = try await start([account], in: store, process)
    let second = try await start([account], in: store, process)
    func claim(_ process: String) async throws -> UUID? {
      try await store.process().pool.query(AccountImportStatements.claim, [.text(process), .double(60)]).first?.uuid(1)
    }
    #expect(try await claim("identity-store/0") == first.uuid)
    #expect(try await claim("identity-store/1") == nil)
    #expect(try await claim("identity-store/0") == first.uuid)
    let expire = Statement(once: "age", "update identity.account_imports set claimed_until = now() - interval '1 second'")
    _ = try await process.pool.query(expire)
    #expect(try await claim("identity-store/1") == first.uuid)
    _ = try await process.pool.query(
      AccountImportStatements.finish,
      [.uuid(store.workspace.uuid), .uuid(first.uuid), .text("identity-store/1"), .text("done"), .null])
    #expect(try await claim("identity-store/0") == second.uuid)
  }

  @Test("Abandoned lines are deleted after a day")
  func trimming() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    for _ in 0..<2 {
      let part = AccountStaging(importID: .made(at: Date()), lines: Self.lines([ImportedAccount(id: "1", email: "a@acme.example")]))
      _ = try await process.execute([store.command(.stageAccounts(part), on: store.workspace.resource)])
    }
    _ = try await process.pool.query(
      Statement(
        once: "age",
        """
        update identity.account_imports set created_at = now() - interval '2 days'
        where id = (select min(id::text)::uuid from identity.account_imports)
        """))
    #expect(try await RowTrimming(rows: .abandonedImports, pool: process.pool, logger: quiet).trim() == 1)
    #expect(try await RowTrimming(rows: .accountImports, pool: process.pool, logger: quiet).trim() == 0)
    #expect(try await store.count("select count(*) from identity.account_import_lines") == 1)
  }
}
