import Foundation
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Relinking and shared names in storage", .timeLimit(.minutes(10)))
struct RelinkStorageTests {
  private let disable = Fixture().patch(#"{"op":"replace","path":"active","value":false}"#)

  private func create(_ json: String, in store: StoreDatabase, on id: ResourceID = .made(at: Date())) -> Command {
    store.command(.createUser(document: Fixture.user(json)), on: id)
  }

  @Test("A user whose userName is reassigned leaves every stored group, found by the name only")
  func reassigned() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let groups = (0..<3).map { _ in ResourceID.made(at: Date()) }
    _ = try await process.execute([
      create(#"{"userName":"ana@example.com","externalId":"00u1"}"#, in: store, on: ana), store.createUser("ben@example.com", on: ben),
    ])
    _ = try await process.execute(
      groups.enumerated().map { number, group in
        store.command(.createGroup(document: Fixture().group("Group \(number)", members: number == 2 ? [ben] : [ana, ben])), on: group)
      })
    let signIn = SignIn(workspace: store.workspace, email: "ana@example.com", user: nil, signedInAt: Date())
    _ = try await process.execute([store.command(.promoteUser(signIn), on: ana)])
    _ = try await process.execute([store.command(.patchUser(patch: disable), on: ana)])
    let replies = try await store.process().execute([create(#"{"userName":"Ana@example.com","externalId":"00u2"}"#, in: store)])
    guard case .resource(let stored, true)? = replies.first?.outcome else {
      Issue.record("\(replies)")
      return
    }
    #expect(stored.id == ana && stored.relink == .reassigned)
    #expect(try await store.count("select count(*) from identity.memberships where user_id = '\(ana)'") == 0)
    #expect(try await store.count("select count(*) from identity.memberships") == 3)
    #expect(try await store.text("select string_agg(version::text, ' ' order by display_name) from identity.groups") == "2 2 1")
    #expect(
      try await store.text("select state || coalesce(first_signed_in_at::text, '') from identity.users where id = '\(ana)'") == "invited")
    #expect(try await store.text("select action || ' ' || target from identity.audit") == "relink-user user \(ana)")
    #expect(
      try await store.count("select count(*) from identity.outbox where encode(payload, 'escape') like '%\"removedMembers\":[\"\(ana)\"]%'")
        == 2)
  }

  @Test("A user who gets the name within the batch leaves their groups, too")
  func reassignedWithinTheBatch() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([create(#"{"userName":"ana@example.com","externalId":"00u1"}"#, in: store, on: ana)])
    _ = try await process.execute([store.command(.createGroup(document: Fixture().group("Data team", members: [ana])), on: group)])
    let rename = Fixture().patch(#"{"op":"replace","value":{"userName":"anna@example.com","active":false}}"#)
    let outcomes = try await store.process().execute([
      store.command(.patchUser(patch: rename), on: ana), create(#"{"userName":"anna@example.com","externalId":"00u2"}"#, in: store),
    ]).map(\.outcome.status)
    #expect(outcomes == [200, 201])
    #expect(try await store.count("select count(*) from identity.users") == 1)
    #expect(try await store.count("select count(*) from identity.memberships") == 0)
  }

  @Test("An externalId that many disabled users share finds none of them")
  func sharedExternalID() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    _ = try await process.execute(
      (0..<20).map { create(#"{"userName":"user-\#($0)@example.com","externalId":"template","active":false}"#, in: store) })
    #expect(try await store.count("select count(*) from identity.users where external_id = 'template'") == 20)
    let replies = try await process.execute([
      create(#"{"userName":"new@example.com","externalId":"template"}"#, in: store),
      create(#"{"userName":"user","externalId":"template","emails":[{"value":"USER-7@example.com"}]}"#, in: store),
    ])
    #expect(replies.map(\.outcome.status) == [201, 201])
    #expect(try await store.count("select count(*) from identity.users") == 21)
    #expect(try await store.text("select user_name from identity.users where email_key = 'user-7@example.com'") == "user")
  }

  @Test("A migration removes blank external ids and changes nothing else")
  func blankExternalIDs() async throws {
    let server = try await PostgresServer.shared()
    let before = Array(SchemaMigrations.identity.prefix { $0.name != "names-and-departures" })
    let store = StoreDatabase(url: server.url(database: try await server.createDatabase(migrations: before)))
    let pool = store.process().pool
    for (number, id) in ["", " ", "\u{200B}", "x", " y "].enumerated() {
      let document = #"{"schemas":["s"],"id":"i","externalId":"\#(id)","title":"a","externalId":"","meta":{"resourceType":"User""#
      _ = try await pool.query(
        Statement(
          once: "insert user",
          """
          with workspace as (
            insert into identity.workspaces values ($1, 'acme', '{}', 1, now(), now()) on conflict do nothing
          )
          insert into identity.users (
            workspace_id, id, user_name, user_name_key, user_name_hash, external_id, state, role, version, created_at, modified_at, document
          )
          values ($1, gen_random_uuid(), $2, $2, '', $3, 'invited', 'viewer', 1, now(), now(), $4)
          """), [.uuid(store.workspace.uuid), .text("user-\(number)"), .text(id), .text(document)])
    }
    _ = try await Migrator.apply(SchemaMigrations.identity, on: pool, logger: quiet)
    await pool.close()
    #expect(try await store.text("select string_agg(external_id, '|' order by user_name_key) from identity.users") == "x| y ")
    #expect(
      try await store.count(
        #"""
        select count(*) from identity.users
        where document = '{"schemas":["s"],"id":"i","title":"a","externalId":"","meta":{"resourceType":"User"'
        """#) == 3)
    #expect(try await store.count(#"select count(*) from identity.users where document like '%"externalId":"x"%'"#) == 1)
  }

  @Test("Two processes that create groups with the same name get one group if names are unique, and two if duplicates are allowed")
  func groupNames() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    for (policy, expected) in [(.reject, [201, 409]), (.allow, [201, 201])] as [(WorkspaceSettings.DuplicateGroupNames, [Int])] {
      var settings = WorkspaceSettings(
        slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
      settings.duplicateGroupNames = policy
      _ = try await process.execute([store.command(.updateWorkspace(settings), on: store.workspace.resource)])
      let (one, other) = (store.process(), store.process())
      let document = Fixture().group("Team \(policy.rawValue)", members: [])
      async let first = one.execute([store.command(.createGroup(document: document))])
      async let second = other.execute([store.command(.createGroup(document: document))])
      #expect(try await (first + second).map(\.outcome.status).sorted() == expected)
    }
    #expect(try await store.count("select count(*) from identity.groups") == 3)
    // Names are unique again: groups that share one keep it and can be changed.
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
    settings.duplicateGroupNames = .reject
    _ = try await process.execute([store.command(.updateWorkspace(settings), on: store.workspace.resource)])
    let id = ResourceID(
      UUID(uuidString: try await store.text("select max(id::text) from identity.groups where display_name = 'Team allow'"))!)
    let renamed = store.command(.replaceGroup(document: Fixture().group("TEAM allow", members: [])), on: id)
    #expect(try await process.execute([renamed]).map(\.outcome.status) == [200])
    #expect(
      try await process.execute([store.command(.createGroup(document: Fixture().group("team allow", members: [])))]).map(\.outcome.status)
        == [409])
  }
}
