import Postgres
import TestSupport
import Testing

@Suite("Transactions")
struct TransactionTests {
  private struct Rollback: Error {}

  private let insert = Statement("insert thing", "insert into things values ($1)")

  /// Runs `body` with a pool for a database with an empty table.
  private func withThings(exclusiveConnections: Int = 2, maximumWait: Duration = .seconds(30), _ body: (PostgresPool) async throws -> Void)
    async throws
  {
    try await PostgresServer.withOwnDatabase(exclusiveConnections: exclusiveConnections, maximumWait: maximumWait) { pool in
      try await pool.run("create table things (id int8 primary key)")
      try await body(pool)
    }
  }

  private func expectThings(_ expected: Int, in pool: PostgresPool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let count = try await pool.number("select count(*) from things")
    #expect(count == expected, sourceLocation: sourceLocation)
  }

  @Test("Changes are visible to others after the body has returned, and not before")
  func commit() async throws {
    try await withThings { pool in
      let returned = try await pool.transaction { transaction in
        _ = try await transaction.query(insert, [.int(1)])
        try await expectThings(0, in: pool)
        return try await transaction.query(insert, [.int(2)]).affected
      }
      #expect(returned == 1)
      try await expectThings(2, in: pool)
    }
  }

  @Test("A body that throws is rolled back")
  func rollback() async throws {
    try await withThings { pool in
      await #expect(throws: Rollback.self) {
        try await pool.transaction { transaction in
          _ = try await transaction.query(insert, [.int(1)])
          throw Rollback()
        }
      }
      try await expectThings(0, in: pool)
      #expect(try await pool.transaction { try await $0.query(insert, [.int(1)]).affected } == 1)
    }
  }

  @Test("A statement error that the body swallows fails the transaction with that error")
  func swallowed() async throws {
    try await withThings { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { transaction in
          _ = try await transaction.query(insert, [.int(1)])
          do { _ = try await transaction.query(insert, [.int(1)]) } catch {}
        }
      }
      #expect(error?.sqlState == "23505")
      try await expectThings(0, in: pool)
    }
  }

  @Test("Pipelined steps can be committed in the same round trip")
  func pipeline() async throws {
    try await withThings { pool in
      let rows = try await pool.transaction { transaction in
        try await transaction.pipeline(
          [(insert, [.int(1)]), (insert, [.int(2)]), (Statement("count", "select count(*) from things"), [])], commit: true)
      }
      #expect(rows.map(\.affected).prefix(2) == [1, 1])
      #expect(try rows.last?.first?.int(0) == 2)
      try await expectThings(2, in: pool)
    }
  }

  @Test("A failed step is named, and the other steps are rolled back")
  func failingStep() async throws {
    try await withThings { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { transaction in
          _ = try await transaction.pipeline(
            [(insert, [.int(1)]), (Statement("divide", "select 1 / 0"), []), (insert, [.int(2)])], commit: true)
        }
      }
      #expect(error?.statement == "divide")
      try await expectThings(0, in: pool)
    }
  }

  @Test("A violated deferred constraint fails the commit")
  func deferredConstraint() async throws {
    try await withThings { pool in
      try await pool.run("create table parts (thing int8 references things deferrable initially deferred)")
      let error = await #expect(throws: PostgresError.self) {
        _ = try await pool.transaction { try await $0.run("insert into parts values (7)") }
      }
      #expect(error?.sqlState == "23503")
      #expect(error?.isOutcomeUnknown == false)
      let parts = try await pool.number("select count(*) from parts")
      #expect(parts == 0)
    }
  }

  @Test("One of two deadlocked transactions fails with a transient error")
  func deadlock() async throws {
    let lock = Statement("lock", "select pg_advisory_xact_lock($1)")
    try await withThings { pool in
      let (firstHolds, first) = AsyncStream.makeStream(of: Void.self)
      let (secondHolds, second) = AsyncStream.makeStream(of: Void.self)
      async let one = Result(catching: { try await crossing(pool, lock, 1, 2, signals: first, awaits: secondHolds) })
      async let other = Result(catching: { try await crossing(pool, lock, 2, 1, signals: second, awaits: firstHolds) })
      let failures = [await one, await other].compactMap { result -> PostgresError? in
        guard case .failure(let error) = result else { return nil }
        return error as? PostgresError
      }
      #expect(failures.map(\.sqlState) == ["40P01"])
      #expect(failures.first?.isTransient == true)
    }
  }

  private func crossing(
    _ pool: PostgresPool, _ lock: Statement, _ first: Int64, _ second: Int64, signals: AsyncStream<Void>.Continuation,
    awaits other: AsyncStream<Void>
  ) async throws {
    try await pool.transaction { transaction in
      _ = try await transaction.query(lock, [.int(first)])
      signals.yield()
      for await _ in other { break }
      _ = try await transaction.query(lock, [.int(second)])
    }
  }

  @Test("Exclusive connections are bounded, and waiting for one times out")
  func bound() async throws {
    try await withThings(exclusiveConnections: 1, maximumWait: .seconds(15)) { pool in
      try await pool.transaction { transaction in
        try await transaction.run("select 1")
        let error = await #expect(throws: PostgresError.self) { _ = try await pool.transaction { try await $0.run("select 1") } }
        #expect(error?.isTransient == true)
        #expect(error?.description.contains("none of the 1 exclusive connections") == true)
      }
      _ = try await pool.transaction { try await $0.run("select 1") }
    }
  }

  @Test("The state of a session ends with it")
  func session() async throws {
    try await withThings(exclusiveConnections: 1) { pool in
      try await pool.withExclusiveConnection { session in
        _ = try await session.query(Statement("set", "set application_name = 'other'"))
        _ = try await session.query(Statement("lock", "select pg_advisory_lock(5)"))
      }
      try await pool.withExclusiveConnection { session in
        let name = try await session.query(Statement("show", "show application_name")).first?.string(0)
        #expect(name == "test")
      }
      try await eventually("the lock to be free") {
        try await pool.number("select count(*) from pg_locks where locktype = 'advisory' and objid = 5 and \(ownDatabase)") == 0
      }
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(catching body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
