import Credentials
import Foundation
import Logging
import Models
import Postgres
import Testing

@testable import IdentityStore

@Suite("Settings, tokens and keys in the database")
struct SettingsStorageTests {
  private static let acme = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")

  private func settings(_ slug: String, _ change: (inout WorkspaceSettings) -> Void = { _ in }) -> WorkspaceSettings {
    var settings = Self.acme
    settings.slug = slug
    change(&settings)
    return settings
  }

  @Test("A domain can move to another workspace, is refused while taken, and each move is counted", .timeLimit(.minutes(10)))
  func domains() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let other = WorkspaceID.made(at: Date())
    func update(_ workspace: WorkspaceID, _ settings: WorkspaceSettings) -> Command {
      var command = store.command(.updateWorkspace(settings), on: workspace.resource)
      command.workspace = workspace
      return command
    }
    var creation = store.command(.createWorkspace(settings("other")), on: other.resource)
    creation.workspace = other
    let held = settings("acme") { $0.customDomains = ["a.example", "b.example"] }
    let replies = try await process.execute([creation, update(store.workspace, held)])
    #expect(replies.map(\.outcome.status) == [204, 204])
    #expect(try await store.count("select version from identity.domain_changes") == 1)
    let wanted = settings("other") { $0.customDomains = ["b.example"] }
    let clash = try await process.execute([update(other, wanted)])[0].outcome
    #expect(clash.status == 409)
    #expect(clash.error.contains("'acme', \(store.workspace)"), "\(clash.error)")
    // In one batch, one workspace releases the domain and the other adds it.
    let moved = try await process.execute([
      update(store.workspace, settings("acme") { $0.customDomains = ["a.example"] }), update(other, wanted),
    ])
    #expect(moved.map(\.outcome.status) == [204, 204])
    #expect(
      try await store.text("select string_agg(domain || ' ' || workspace_id, ',' order by domain) from identity.domains")
        == "a.example \(store.workspace),b.example \(other)")
    #expect(try await store.count("select version from identity.domain_changes") == 2)
    _ = try await process.execute([
      update(
        other,
        settings("other") {
          $0.customDomains = ["b.example"]
          $0.name = "Other"
        })
    ])
    #expect(try await store.count("select version from identity.domain_changes") == 2)
  }

  @Test("Concurrent changes of the same settings are not lost", .timeLimit(.minutes(10)))
  func concurrency() async throws {
    let store = try await StoreDatabase.start()
    let processes = (0..<3).map { _ in store.process() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, process) in processes.enumerated() {
        group.addTask {
          for round in 0..<5 {
            while true {
              let row = try #require(
                try await process.pool.query(
                  Statement("settings", "select settings::text, version from identity.workspaces where slug = 'acme'")
                ).first)
              var settings: WorkspaceSettings = try JSONData.decode(from: row.bytes(0), type: "settings")
              settings.customRoles.append("role-\(number)-\(round)")
              var command = store.command(.updateWorkspace(settings), on: store.workspace.resource)
              command.expectedVersions = [Int64(try row.int(1))]
              if try await process.execute([command])[0].outcome.status == 204 { break }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await store.count("select jsonb_array_length(settings -> 'customRoles')::int8 from identity.workspaces") == 15)
    #expect(try await store.count("select version from identity.workspaces") == 16)
  }

  @Test("A role of stored users cannot be removed", .timeLimit(.minutes(10)))
  func roles() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    func update(_ roles: [String]) async throws -> Reply.Outcome {
      try await process.execute([
        store.command(.updateWorkspace(settings("acme") { $0.customRoles = roles }), on: store.workspace.resource)
      ])[0].outcome
    }
    #expect(try await update(["Auditor", "Guest"]).status == 204)
    let user = ResourceID.made(at: Date())
    let document = Fixture.user(#"{"userName":"ana@example.com","secodaRole":"auditor"}"#)
    _ = try await process.execute([store.command(.createUser(document: document), on: user)])
    let refused = try await update(["Guest"])
    #expect(refused.status == 400)
    #expect(refused.error.contains("1 user has it"), "\(refused.error)")
    #expect(try await update(["Auditor"]).status == 204)
    _ = try await process.execute([store.command(.deleteUser, on: user)])
    #expect(try await update([]).status == 204)
  }

  @Test("Rotated tokens and clients are stored, and uses are counted over batches", .timeLimit(.minutes(10)))
  func tokens() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (token, successor, client) = (TokenID.made(at: Date()), TokenID.made(at: Date()), TokenID.made(at: Date()))
    func execute(_ operation: Command.Operation) async throws -> Reply.Outcome {
      try await process.execute([store.command(operation, on: store.workspace.resource)])[0].outcome
    }
    func digest(_ digit: String) -> String { String(repeating: digit, count: 64) }
    func grant(_ id: TokenID, _ kind: TokenKind, _ digit: String) -> TokenGrant {
      TokenGrant(token: id, kind: kind, name: "Okta", scopes: [.scim], digest: digest(digit), expiresAt: nil)
    }
    #expect(try await execute(.issueToken(grant(token, .token, "a"))).status == 204)
    #expect(try await execute(.issueToken(grant(client, .client, "b"))).status == 204)
    let retiresAt = Date() + 3600
    let rotation = TokenRotation(token: token, successor: successor, digest: digest("c"), retiresAt: retiresAt, expiresAt: nil)
    #expect(try await execute(.rotateToken(rotation)).status == 204)
    var again = rotation
    again.successor = .made(at: Date())
    #expect(try await execute(.rotateToken(again)).status == 409)
    #expect(try await execute(.rotateSecret(.init(client: client, digest: digest("d"), formerUntil: retiresAt))).status == 204)
    #expect(
      try await store.count(
        """
        select count(*) from identity_read.tokens
        where (id = '\(token)' and expires_at > now() and kind = 'token' and predecessor_id is null)
        or (id = '\(successor)' and expires_at is null and predecessor_id = '\(token)')
        or (id = '\(client)' and kind = 'client' and digest = '\\x\(digest("d"))' and former_digest = '\\x\(digest("b"))' and former_until > now())
        """) == 3)
    let now = Date()
    func uses(_ addresses: Range<Int>) -> Command.Operation {
      .recordTokenUses(TokenUses(uses: addresses.map { .init(token: token, address: "192.0.2.\($0)", count: 2, lastUsedAt: now) }))
    }
    // A redelivered command is counted once.
    let command = store.command(uses(0..<40), on: store.workspace.resource)
    for _ in 0..<2 { _ = try await process.execute([command]) }
    _ = try await execute(uses(20..<60))
    #expect(try await store.count("select count(*) from identity_read.token_uses") == TokenUses.maximumAddresses + 1)
    #expect(try await store.count("select sum(uses)::int8 from identity_read.token_uses") == 160)
    #expect(try await store.count("select uses from identity_read.token_uses where address = '192.0.2.20'") == 4)
    #expect(try await store.count("select uses from identity_read.token_uses where address = ''") == 20)
    // The next use deletes old counts.
    let old = TokenUses(uses: [.init(token: token, address: "192.0.2.1", count: 1, lastUsedAt: now - 100 * 86_400)])
    _ = try await execute(.recordTokenUses(old))
    #expect(try await store.count("select count(*) from identity_read.token_uses where day < current_date - 1") == 0)
  }

  @Test("Tokens of the deployment are stored with their uses, audit entries and replies", .timeLimit(.minutes(10)))
  func deploymentTokens() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let id = TokenID.made(at: Date())
    func command(_ operation: Command.Operation) -> Command {
      var command = store.command(operation, on: WorkspaceID.deployment.resource)
      (command.workspace, command.actor, command.requestDigest) = (.deployment, .operator("ana"), "0badcafe")
      return command
    }
    let grant = TokenGrant(
      token: id, name: "Product", scopes: [.admin, .events], digest: String(repeating: "a", count: 64), expiresAt: nil)
    let issue = command(.issueToken(grant))
    // A redelivered command gets its recorded reply.
    for _ in 0..<2 {
      let replies = try await process.execute([issue])
      #expect(replies.map(\.outcome.status) == [204] && replies.map(\.requestDigest) == ["0badcafe"])
    }
    let uses = TokenUses(uses: [.init(token: id, address: "192.0.2.1", count: 2, lastUsedAt: Date())])
    var report = command(.recordTokenUses(uses))
    report.actor = .service("scim-api")
    #expect(try await process.execute([report])[0].outcome.status == 204)
    #expect(try await process.execute([command(.revokeToken(TokenRevocation(token: id)))])[0].outcome.status == 204)
    let nobody = "workspace_id = '\(WorkspaceID.deployment)'"
    #expect(try await store.count("select count(*) from identity.tokens where \(nobody) and revoked_at is not null") == 1)
    #expect(try await store.count("select sum(uses)::int8 from identity.token_uses where \(nobody)") == 2)
    #expect(try await store.count("select count(*) from identity.audit where \(nobody) and actor = 'operator:ana'") == 2)
    #expect(try await store.count("select count(*) from identity.workspaces where id = '\(WorkspaceID.deployment)'") == 0)
  }

  @Test("Signing keys are created in advance, by one of several processes, and deleted after their expiry", .timeLimit(.minutes(10)))
  func keys() async throws {
    let store = try await StoreDatabase.start()
    func rotation(_ secret: String = "the secret of the tests' stores") throws -> KeyRotation {
      KeyRotation(
        pool: store.process().pool, seal: try #require(KeySeal(secret: secret)), schedule: KeySchedule(lifetime: 86_400), logger: quiet)
    }
    let (one, other) = (try rotation(), try rotation())
    let start = Date(timeIntervalSince1970: 1_767_225_600)
    async let first = one.rotate(at: start)
    async let second = other.rotate(at: start)
    let created = try await [first, second].compactMap { $0 }
    #expect(created.count == 1)
    #expect(created.first?.term.signsAt == start)
    #expect(try await one.rotate(at: start + 3600) == nil)
    let next = try #require(try await one.rotate(at: start + 86_400 - 300))
    #expect(next.term.signsAt == start + 86_400)
    #expect(try await other.rotate(at: start + 86_400 - 200) == nil)
    #expect(try await store.count("select count(*) from identity_read.signing_keys") == 2)
    // The tokens of the first key have expired by then.
    #expect(try await one.rotate(at: start + 86_400 + 3661) == nil)
    #expect(try await store.text("select id::text from identity_read.signing_keys") == "\(next.id)")
    // With another secret no key is usable, so a new one is created at once.
    let otherRotation = try rotation("another secret of the tests' stores")
    #expect(try await otherRotation.rotate(at: start + 86_400 + 3700)?.term.signsAt == start + 86_400 + 3700)
    let key = try #require(created.first)
    #expect(!key.publicKey.contains("\"d\""))
    #expect(throws: Never.self) { try KeySeal(secret: "the secret of the tests' stores")?.open(key.sealedPrivateKey, id: key.id) }
  }
}
