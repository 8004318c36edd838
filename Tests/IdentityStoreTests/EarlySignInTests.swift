import Foundation
import Logging
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Early sign-ins", .timeLimit(.minutes(10)))
struct EarlySignInTests {
  private static let day: TimeInterval = 86_400

  private func signIn(_ email: String?, _ user: UserID? = nil, daysAgo: Double = 0) -> SignIn {
    SignIn(workspace: Fixture.workspace, email: email, user: user, signedInAt: Fixture.start - daysAgo * Self.day)
  }

  @Test("A sign-in is answered with its outcome")
  func outcomes() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com","active":false}"#)
    #expect(fixture.decide(.promoteUser(signIn("ANA@example.com")), on: fixture.id()) == .signIn(.promoted, user: ana.user))
    #expect(fixture.decide(.promoteUser(signIn(nil, ana.user)), on: ana) == .signIn(.alreadyActive, user: ana.user))
    #expect(fixture.decide(.promoteUser(signIn("ben@example.com")), on: fixture.id()) == .signIn(.disabled, user: ben.user))
    #expect(fixture.decide(.promoteUser(signIn("nobody@example.com")), on: fixture.id()) == .signIn(.remembered))
    #expect(fixture.decide(.promoteUser(signIn(nil, UserID(bytes: [9]))), on: fixture.id()) == .signIn(.unknownUser))
  }

  @Test("An early sign-in is valid for 30 days", arguments: [(29.9, UserState.active), (30.1, .invited)])
  func age(days: Double, state: UserState) {
    var fixture = Fixture()
    fixture.decider.state.loadEarlySignIn(
      NameKey(workspace: Fixture.workspace, name: "ana@example.com"), at: Fixture.start - days * Self.day)
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    #expect(fixture.user(id)?.state == state)
  }

  @Test("An expired sign-in is not stored, and a later one is valid for another 30 days")
  func renewal() {
    var fixture = Fixture()
    let key = NameKey(workspace: Fixture.workspace, name: "ana@example.com")
    fixture.decide(.promoteUser(signIn("ana@example.com", daysAgo: 31)), on: fixture.id())
    #expect(fixture.decider.state.earlySignIns.isEmpty)
    fixture.decide(.promoteUser(signIn("ana@example.com", daysAgo: 20)), on: fixture.id())
    fixture.decide(.promoteUser(signIn("ana@example.com", daysAgo: 19.5)), on: fixture.id())
    #expect(fixture.decider.state.earlySignIns[key] == Fixture.start - 20 * Self.day)
    fixture.decide(.promoteUser(signIn("ana@example.com", daysAgo: 1)), on: fixture.id())
    #expect(fixture.decider.state.earlySignIns[key] == Fixture.start - Self.day)
  }

  @Test("Early sign-ins are stored, renewed, consumed, and deleted 30 days after the last one of a person")
  func trimming() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let trimming = RowTrimming(rows: .earlySignIns, pool: process.pool, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    func report(_ email: String, daysAgo: Double) async throws {
      let signIn = SignIn(workspace: store.workspace, email: email, user: nil, signedInAt: Date() - daysAgo * Self.day)
      _ = try await process.execute([store.command(.promoteUser(signIn))])
    }
    try await report("used@example.com", daysAgo: 3)
    try await report("used@example.com", daysAgo: 1)
    try await report("kept@example.com", daysAgo: 20)
    try await report("kept@example.com", daysAgo: 2)
    let rows =
      "select string_agg(email_key || ' ' || date_part('day', now() - signed_in_at), ', ' order by email_key) from identity.early_sign_ins"
    #expect(try await store.text(rows) == "kept@example.com 2, used@example.com 1")
    // It also counts in the batch that renews it.
    let again = SignIn(workspace: store.workspace, email: "used@example.com", user: nil, signedInAt: Date() + Self.day)
    _ = try await process.execute([store.command(.promoteUser(again)), store.createUser("used@example.com")])
    #expect(try await store.text(rows) == "kept@example.com 2")
    #expect(try await store.text("select state from identity.users where user_name = 'used@example.com'") == "active")
    _ = try await process.pool.query(
      Statement(
        once: "old",
        """
        insert into identity.early_sign_ins (workspace_id, email_key, signed_in_at)
        select '\(store.workspace)', 'old' || n || '@example.com', now() - interval '30 days 1 hour'
        from generate_series(1, 1001) n
        """))
    #expect(try await trimming.trim() == 1000)
    #expect(try await trimming.trim() == 1)
    #expect(try await trimming.trim() == 0)
    #expect(try await store.text(rows) == "kept@example.com 2")
    await process.pool.close()
  }
}
