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
    SignIn(workspace: Bench.workspace, email: email, user: user, signedInAt: Bench.start - daysAgo * Self.day)
  }

  @Test("A sign-in is answered with its outcome")
  func outcomes() {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    bench.createUser(#"{"userName":"ben@example.com","active":false}"#)
    #expect(bench.decide(.promoteUser(signIn("ANA@example.com")), on: bench.id()) == .signIn(.promoted))
    #expect(bench.decide(.promoteUser(signIn(nil, ana.user)), on: ana) == .signIn(.alreadyActive))
    #expect(bench.decide(.promoteUser(signIn("ben@example.com")), on: bench.id()) == .signIn(.disabled))
    #expect(bench.decide(.promoteUser(signIn("nobody@example.com")), on: bench.id()) == .signIn(.remembered))
    #expect(bench.decide(.promoteUser(signIn(nil, UserID(bytes: [9]))), on: bench.id()) == .signIn(.unknownUser))
  }

  @Test("One counts for 30 days and no longer", arguments: [(29.9, UserState.active), (30.1, .invited)])
  func age(days: Double, state: UserState) {
    var bench = Bench()
    bench.decider.state.loadEarlySignIn(
      NameKey(workspace: Bench.workspace, name: "ana@example.com"), at: Bench.start - days * Self.day)
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    #expect(bench.user(id)?.state == state)
  }

  @Test("An expired one is not stored, and a later one counts for another 30 days")
  func renewal() {
    var bench = Bench()
    let key = NameKey(workspace: Bench.workspace, name: "ana@example.com")
    bench.decide(.promoteUser(signIn("ana@example.com", daysAgo: 31)), on: bench.id())
    #expect(bench.decider.state.earlySignIns.isEmpty)
    bench.decide(.promoteUser(signIn("ana@example.com", daysAgo: 20)), on: bench.id())
    bench.decide(.promoteUser(signIn("ana@example.com", daysAgo: 19.5)), on: bench.id())
    #expect(bench.decider.state.earlySignIns[key] == Bench.start - 20 * Self.day)
    bench.decide(.promoteUser(signIn("ana@example.com", daysAgo: 1)), on: bench.id())
    #expect(bench.decider.state.earlySignIns[key] == Bench.start - Self.day)
  }

  @Test("They are stored, renewed, used, and deleted 30 days after the last one of a person")
  func trimming() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let trimming = RowTrimming(rows: .earlySignIns, pool: process.pool, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    func report(_ email: String, daysAgo: Double) async throws {
      let signIn = SignIn(workspace: store.workspace, email: email, user: nil, signedInAt: Date() - daysAgo * Self.day)
      _ = try await process.carryOut([store.command(.promoteUser(signIn))])
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
    _ = try await process.carryOut([store.command(.promoteUser(again)), store.createUser("used@example.com")])
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
