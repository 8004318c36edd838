import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Queries")
struct QueryTests {
  @Test("Concurrent queries share pipelines, and each gets its own answer")
  func pipelines() async throws {
    let metrics = CountedMetrics()
    let echo = Statement("echo", "select $1")
    try await PostgresServer.withOwnDatabase(metrics: metrics) { pool in
      try await withThrowingTaskGroup(of: (Int, Int).self) { group in
        for number in 0..<1000 {
          group.addTask { (number, try await pool.query(echo, [.int(Int64(number))]).first?.int(0) ?? -1) }
        }
        for try await (asked, answered) in group { #expect(asked == answered) }
      }
    }
    let (requests, pipelines) = (metrics.count(of: "postgres_requests_total"), metrics.count(of: "postgres_pipelines_total"))
    #expect(requests == 1000)
    #expect(pipelines < requests)
  }

  @Test("An error in one of many concurrent queries does not affect the others")
  func isolation() async throws {
    let divide = Statement("divide", "select 100 / $1")
    try await PostgresServer.withOwnDatabase { pool in
      try await withThrowingTaskGroup(of: (Int, Result<Int, any Error>).self) { group in
        for number in 0..<200 {
          let divisor = number % 10
          group.addTask {
            do {
              return (divisor, .success(try await pool.query(divide, [.int(Int64(divisor))]).first?.int(0) ?? -1))
            } catch {
              return (divisor, .failure(error))
            }
          }
        }
        for try await (divisor, result) in group {
          if divisor == 0 {
            let error = #expect(throws: PostgresError.self) { try result.get() }
            #expect(error?.sqlState == "22012")
          } else {
            #expect(try result.get() == 100 / divisor)
          }
        }
      }
    }
  }

  @Test("A statement is prepared once per connection; a one-time statement is not prepared")
  func preparation() async throws {
    let kept = Statement("kept", "select $1 as kept")
    let prepared = "select count(*) from pg_prepared_statements where statement like '%as kept' or statement like '%as once'"
    try await PostgresServer.withOwnDatabase { pool in
      for number in 0..<5 {
        #expect(try await pool.query(kept, [.int(Int64(number))]).first?.int(0) == number)
        _ = try await pool.query(Statement(once: "once", "select $1 as once"), [.int(1)])
      }
      #expect(try await pool.number(prepared) == 1)
    }
  }

  @Test("A prepared statement works after its table has changed")
  func changedTable() async throws {
    let read = Statement("read", "select * from things")
    try await PostgresServer.withOwnDatabase { pool in
      try await pool.run("create table things as select 1 as first")
      #expect(try await pool.query(read).first?.count == 1)
      try await pool.run("alter table things add second int not null default 2")
      let rows = try await { () async throws -> Rows in
        do { return try await pool.query(read) } catch let error as PostgresError where error.isTransient {
          return try await pool.query(read)
        }
      }()
      #expect(rows.first?.count == 2)
    }
  }

  @Test("A deallocated statement is prepared again")
  func deallocation() async throws {
    let kept = Statement("kept", "select 7")
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await pool.query(kept)
      try await pool.run("deallocate all")
      let answer = try await { () async throws -> Rows in
        do { return try await pool.query(kept) } catch let error as PostgresError where error.isTransient {
          return try await pool.query(kept)
        }
      }()
      #expect(try answer.first?.int(0) == 7)
    }
  }

  @Test("An error has the SQLSTATE, the statement's name and the constraint")
  func error() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      try await pool.run("create table things (id int constraint things_id primary key)")
      let insert = Statement("insert thing", "insert into things values ($1)")
      _ = try await pool.query(insert, [.int(1)])
      let error = await #expect(throws: PostgresError.self) { _ = try await pool.query(insert, [.int(1)]) }
      #expect(error?.sqlState == "23505")
      #expect(error?.isUniqueViolation == true)
      #expect(error?.statement == "insert thing")
      #expect(error?.constraint == "things_id")
      #expect(error?.isTransient == false)
      #expect(error?.description.hasPrefix("insert thing: ") == true)
    }
  }

  @Test("The server cancels a statement that exceeds the timeout, and the connection stays usable")
  func timeout() async throws {
    try await PostgresServer.withOwnDatabase(statementTimeout: .seconds(2)) { pool in
      let error = await #expect(throws: PostgresError.self) {
        _ = try await pool.query(Statement("slow", "select pg_sleep(600)"))
      }
      #expect(error?.isTimeout == true)
      #expect(error?.statement == "slow")
      let next = try await pool.number("select 1")
      #expect(next == 1)
    }
  }

  @Test("A cancelled task stops waiting, and other tasks get their answers")
  func cancellation() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      try await pool.withExclusiveConnection { session in
        _ = try await session.query(Statement("lock", "select pg_advisory_lock(1)"))
        let blocked = Task { try await pool.query(Statement("blocked", "select pg_advisory_lock(1)::text")) }
        try await eventually("the statement to wait for the lock") {
          try await session.query(
            Statement("waiting", "select 1 from pg_locks where locktype = 'advisory' and objid = 1 and not granted and \(ownDatabase)")
          ).count == 1
        }
        let behind = Task { try await pool.query(Statement("behind", "select 2")).first?.int(0) }
        blocked.cancel()
        await #expect(throws: CancellationError.self) { _ = try await blocked.value }
        _ = try await session.query(Statement("unlock", "select pg_advisory_unlock(1)"))
        #expect(try await behind.value == 2)
      }
    }
  }

  @Test("A decoding error names the column")
  func decoding() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let row = try #require(try await pool.query(Statement("read things", "select 'a' as word, null::int8 as number")).first)
      let mismatch = #expect(throws: PostgresDecodingError.self) { try row.int(0) }
      #expect(mismatch?.description == "read things: column 0 (word) should be integer but is text")
      #expect(throws: PostgresDecodingError.self) { try row.int(1) }
      #expect(try row.optionalInt(1) == nil)
      #expect(throws: PostgresDecodingError.self) { try row.int(2) }
    }
  }

  @Test("Text with U+0000 is rejected, with the statement's name")
  func nullCharacter() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        _ = try await pool.query(Statement("echo", "select $1"), [.text("a\u{0}b")])
      }
      #expect(error?.sqlState == "22021")
      #expect(error?.statement == "echo")
    }
  }
}
