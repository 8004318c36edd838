import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Connections")
struct ConnectionTests {
  @Test("Values that are larger than the buffers of a socket are sent and read, also concurrently")
  func largeValues() async throws {
    let echo = Statement("echo", "select $1::bytea, $2::int8")
    try await PostgresServer.withOwnDatabase { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask {
            let bytes = [UInt8](repeating: UInt8(number), count: 6_000_000 + number)
            let row = try #require(try await pool.query(echo, [.bytes(bytes), .int(Int64(number))]).first)
            #expect(try row.bytes(0) == bytes)
            #expect(try row.int(1) == number)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("Queries of many tasks on few connections are all answered, while some of the tasks are cancelled")
  func cancellations() async throws {
    let echo = Statement("echo", "select $1::int8 from pg_sleep(0.001)")
    try await PostgresServer.withOwnDatabase(connections: 3) { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<600 {
          group.addTask {
            let query = Task { try await pool.query(echo, [.int(Int64(number))]).first?.int(0) }
            if number % 3 == 0 { query.cancel() }
            do {
              let answer = try await query.value
              #expect(answer == number)
            } catch is CancellationError {
              #expect(number % 3 == 0)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await pool.number("select 7") == 7)
    }
  }

  @Test("Closing the pool waits for a statement in flight")
  func closing() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase()
    try await server.withPool(database: database) { other in
      try await other.withExclusiveConnection { session in
        _ = try await session.query(Statement("lock", "select pg_advisory_lock(1)"))
        let blocked: Int? = try await server.withPool(database: database) { pool in
          let statement = Task { try await pool.query(Statement("blocked", "select 3 from pg_advisory_lock(1)")).first?.int(0) }
          try await eventually("the statement to wait for the lock") { try await isWaiting(session) }
          let closing = Task { await pool.close() }
          try await eventually("the pool to reject statements") {
            do {
              // Not on the shared connection, where it would wait behind the statement in flight if it came before the closing.
              return try await pool.withExclusiveConnection { try await $0.query(Statement("late", "select 1")).isEmpty }
            } catch is PostgresError {
              return true
            }
          }
          _ = try await session.query(Statement("unlock", "select pg_advisory_unlock(1)"))
          await closing.value
          return try await statement.value
        }
        #expect(blocked == 3)
      }
    }
  }

  private func isWaiting(_ session: PostgresSession) async throws -> Bool {
    try await session.query(
      Statement("waiting", "select 1 from pg_locks where locktype = 'advisory' and objid = 1 and not granted and \(ownDatabase)")
    ).count == 1
  }

  @Test("Scripts and statements of a session run in order, and an error in a script leaves the session usable")
  func scripts() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      try await pool.withExclusiveConnection { session in
        let count = Statement("count", "select count(*) from things")
        try await session.run(script: "create table things (id int8); insert into things values (1); select 1", named: "first")
        #expect(try await session.query(count).first?.int(0) == 1)
        let error = await #expect(throws: PostgresError.self) {
          try await session.run(script: "insert into things values (2); select 1 / 0; insert into things values (3)", named: "second")
        }
        #expect(error?.sqlState == "22012")
        #expect(error?.statement == "second")
        // The statements of a script are one transaction.
        #expect(try await session.query(count).first?.int(0) == 1)
        try await session.run(script: "insert into things values (4)", named: "third")
        #expect(try await session.query(count).first?.int(0) == 2)
      }
    }
  }

  @Test("A server that stops answering counts as lost after the statement timeout, and the pool connects again")
  func silence() async throws {
    try await PostgresServer.withOwnDatabase(statementTimeout: .seconds(1)) { pool in
      let backend = pid_t(try await pool.backend())
      #expect(kill(backend, SIGSTOP) == 0)
      let error = await #expect(throws: PostgresError.self) { _ = try await pool.query(Statement("anything", "select 1")) }
      kill(backend, SIGCONT)
      #expect(error?.isTransient == true)
      #expect(error?.isOutcomeUnknown == true)
      #expect(try await pool.backend() != Int(backend))
    }
  }
}
