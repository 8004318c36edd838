import Foundation
import Kafka
import Models
import Postgres
import SCIM
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Imports of workspaces", .timeLimit(.minutes(10)))
struct WorkspaceImportTests {
  private static let time = "2026-01-31T08:00:00.000Z"
  private let workspace = WorkspaceID.made(at: Date())
  private let ana = UserID.made(at: Date())
  private let ben = UserID.made(at: Date())
  private let group = GroupID.made(at: Date())
  private let webhook = WebhookID.made(at: Date())

  private func record(_ slug: String) -> String {
    #"{"type":"workspace","data":{"id":"\#(workspace)","settings":{"slug":"\#(slug)","name":"Globex","plan":"enterprise","samlSSO":true,"#
      + #""scimEnabled":true,"signInURL":"https://globex.example/","customRoles":["Auditor"],"defaultRole":"viewer","#
      + #""roleAttribute":"secodaRole","connectionProfile":"okta"},"createdAt":"\#(Self.time)","modifiedAt":"\#(Self.time)"}}"#
  }

  private func user(_ id: UserID, _ name: String, _ state: String, role: String = "viewer", _ more: String = "") -> String {
    #"{"type":"user","data":{"id":"\#(id)","state":"\#(state)","role":"\#(role)","version":7,"createdAt":"\#(Self.time)","#
      + #""modifiedAt":"\#(Self.time)"\#(more),"resource":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"#
      + #""userName":"\#(name)","externalId":"ext-\#(name)","emails":[{"value":"\#(name)","primary":true}]}}}"#
  }

  private var lines: [String] {
    [
      record("globex"),
      #"{"type":"webhook","data":{"id":"\#(webhook)","url":"https://hooks.globex.example/","description":"","types":null}}"#,
      #"{"type":"template","data":{"language":"de","subject":"Willkommen","text":null,"html":null}}"#,
      user(ana, "ana@globex.example", "invited"),
      user(ben, "ben@globex.example", "active", role: "Auditor", #","firstSignedInAt":"\#(Self.time)","accountId":"4711""#),
      #"{"type":"group","data":{"id":"\#(group)","version":2,"createdAt":"\#(Self.time)","modifiedAt":"\#(Self.time)","#
        + #""resource":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data"}}}"#,
      #"{"type":"members","data":{"group":"\#(group)","members":["\#(ana)","\#(ben)"]}}"#,
      #"{"type":"account","data":{"id":"4711","email":"ben@globex.example","state":"active","user":"\#(ben)","importedAt":"\#(Self.time)"}}"#,
    ]
  }

  private func command(_ operation: Command.Operation) -> Command {
    Command(
      id: .made(at: Date()), workspace: workspace, resource: workspace.resource, actor: .service("test"), issuedAt: Date(),
      operation: operation)
  }

  /// The commands that stage and start a file, in parts of a few lines.
  private func commands(_ id: CommandID, _ lines: [String], size: Int = 5) -> [Command] {
    let parts = stride(from: 0, to: lines.count, by: size).enumerated().map { number, start in
      WorkspaceImportPart(
        importID: id, number: number + 1, firstLine: start + 2, lines: Array(lines[start..<min(start + size, lines.count)]))
    }
    return parts.map { command(.stageWorkspace($0)) }
      + [command(.startWorkspaceImport(WorkspaceImportStart(importID: id, parts: parts.count, lines: lines.count + 2)))]
  }

  /// Runs `body` while a process executes the commands that the runner sends.
  private func running(
    _ store: StoreDatabase, _ pool: PostgresPool, _ body: (WorkspaceImportRunner) async throws -> Void
  ) async throws {
    let broker = try await KafkaBroker.start()
    try await TopicAdministration.ensure(
      [.identityCommands], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let consumer = try Consumer(
      broker.configuration(), ConsumerConfiguration(group: "store", instance: "0", topics: [.identityCommands]), logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await consumer.run() }
      tasks.addTask {
        let other = store.process()
        for try await batch in consumer.batches {
          _ = try await other.execute(try batch.messages.map { try ReceivedCommand($0).read.command })
          try await consumer.commit(batch)
        }
      }
      try await body(WorkspaceImportRunner(pool: pool, producer: producer, source: "identity-store/0", logger: quiet))
      tasks.cancelAll()
    }
    await producer.close()
  }

  private func status(in store: StoreDatabase) async throws -> String {
    try await store.text(
      "select status || ' ' || position || ' ' || coalesce(problem, '') from identity.workspace_imports where workspace_id = '\(workspace)'"
    )
  }

  @Test("A file is applied in parts, with ids, states, links and members, and its events invite nobody anew")
  func application() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let staged = commands(.made(at: Date()), lines)
    // A part that is delivered twice is staged once.
    for outcome in try await process.execute(staged + staged).map(\.outcome) { #expect(outcome == .done) }
    #expect(try await store.count("select count(*) from identity.workspaces where id = '\(workspace)'") == 0)
    try await running(store, process.pool) { runner in
      let (first, second) = (try await runner.runNext(), try await runner.runNext())
      #expect(first && !second)
    }
    #expect(try await status(in: store) == "done 2 ")
    #expect(try await store.count("select count(*) from identity.workspace_import_parts") == 0)
    let users = try await store.text(
      """
      select string_agg(concat_ws(' ', id, state, role, version, external_id, account_id, first_signed_in_at is not null), ',' order by state desc)
      from identity.users where workspace_id = '\(workspace)'
      """)
    #expect(
      users
        == "\(ana) invited viewer 7 ext-ana@globex.example f,\(ben) active Auditor 7 ext-ben@globex.example 4711 t")
    #expect(try await store.count("select count(*) from identity.memberships where group_id = '\(group)'") == 2)
    #expect(try await store.text("select user_id::text from identity.accounts where workspace_id = '\(workspace)'") == "\(ben)")
    #expect(try await store.count("select count(*) from identity.workspaces where id = '\(workspace)' and has_accounts") == 1)
    #expect(
      try await store.text("select state || length(secret) from identity.webhook_endpoints where workspace_id = '\(workspace)'")
        == "disabled0")
    // The webhook needs a secret before it is enabled.
    let secret = WebhookEndpointWrite.rotateSecret(webhook, sealedSecret: Array(repeating: 1, count: 60), formerUntil: nil)
    for (write, isDone) in [(WebhookEndpointWrite.enable(webhook), false), (secret, true), (.enable(webhook), true)] {
      let outcome = try await process.execute([command(.writeWebhook(write))]).first?.outcome
      #expect((outcome == .done) == isDone, "\(String(describing: outcome))")
    }
    // Ana is restated without an invitation; nobody who is invited is created.
    func events(_ pattern: String) async throws -> Int {
      try await store.count("select count(*) from identity.outbox where convert_from(payload, 'UTF8') like '\(pattern)'")
    }
    #expect(try await events("%\"missing\":\"none\"%") == 1)
    #expect(try await events("%Willkommen%") == 1)
    // An id that exists is refused.
    let again = try await process.execute([commands(.made(at: Date()), lines)[0]])
    guard case .refused(409, let error)? = again.first?.outcome else {
      Issue.record("\(again)")
      return
    }
    #expect(String(decoding: error, as: UTF8.self).contains("Line 2: The workspace \(workspace) exists"))
  }

  @Test("A slug that is taken, or a part that is missing, is refused; a part with a bad record leaves nothing")
  func refusals() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let taken = try await process.execute([commands(.made(at: Date()), [record("acme")])[0]])
    guard case .refused(409, let error)? = taken.first?.outcome else {
      Issue.record("\(taken)")
      return
    }
    #expect(String(decoding: error, as: UTF8.self).contains("Line 2: "))
    let all = commands(.made(at: Date()), lines)
    let incomplete = try await process.execute([all[0], all[2]]).map(\.outcome)
    guard case .refused(409, _)? = incomplete.last else {
      Issue.record("\(incomplete)")
      return
    }
    // Another file replaces what was staged.
    let second = commands(.made(at: Date()), [record("globex"), user(ana, "ana@globex.example", "invited", role: "Owner")])
    for outcome in try await process.execute(second).map(\.outcome) { #expect(outcome == .done) }
    try await running(store, process.pool) { runner in
      let ran = try await runner.runNext()
      #expect(ran)
    }
    let failed = try await status(in: store)
    #expect(failed.hasPrefix("failed 0 Line 3: The role 'Owner'"), "\(failed)")
    #expect(try await store.count("select count(*) from identity.workspaces where id = '\(workspace)'") == 0)
    #expect(try await store.count("select count(*) from identity.outbox where convert_from(payload, 'UTF8') like '%globex%'") == 0)
  }
}
