import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@Suite("Outages of PostgreSQL")
struct OutageTests {
  @Test("A query waits while the server restarts, and the pool reconnects")
  func restart() async throws {
    let server = try await PostgresServer.start()
    try await server.withPool(connections: 2) { pool in
      let before = try await pool.number("select 1")
      #expect(before == 1)
      try await server.kill()
      let waiting = Task { try await pool.number("select 2") }
      await #expect(throws: PostgresError.self) { try await pool.check() }
      try await server.start()
      #expect(try await waiting.value == 2)
      _ = try await pool.transaction { try await $0.run("select 3") }
      try await pool.check()
    }
  }

  @Test("A transaction that loses its connection fails with a transient error and leaves nothing behind")
  func lostTransaction() async throws {
    let kill = Statement("kill", "select pg_terminate_backend($1::int4)")
    try await PostgresServer.withOwnDatabase { pool in
      try await pool.run("create table things (id int8)")
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { transaction in
          try await transaction.run("insert into things values (1)")
          let backend = try await transaction.run("select pg_backend_pid()::int8").first?.int(0) ?? 0
          _ = try await pool.query(kill, [.int(Int64(backend))])
          try await transaction.run("insert into things values (2)")
        }
      }
      #expect(error?.isTransient == true)
      #expect(try await pool.number("select count(*) from things") == 0)
      _ = try await pool.transaction { try await $0.run("insert into things values (3)") }
      #expect(try await pool.number("select count(*) from things") == 1)
    }
  }

  @Test("A query to an unreachable server fails after the maximum wait")
  func absence() async throws {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: "postgres://postgres@127.0.0.1:\(try FreePort.find())/postgres", connections: 1, applicationName: "test",
        maximumWait: .milliseconds(200)),
      logger: quiet)
    let error = await #expect(throws: PostgresError.self) { _ = try await pool.query(Statement("anything", "select 1")) }
    #expect(error?.isTransient == true)
    #expect(error?.isOutcomeUnknown == false)
    #expect(error?.statement == "anything")
    await pool.close()
  }

  @Test("A full disk is a passing failure, so that nothing is rejected for good because of it")
  func fullDisk() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.run("do $$ begin raise exception 'no space' using errcode = 'disk_full'; end $$")
      }
      #expect(error?.sqlState == "53100")
      #expect(error?.isTransient == true)
    }
  }

  @Test("An invalid URL is not retried")
  func brokenURL() async throws {
    let pool = PostgresPool(PostgresConfiguration(url: "postgres://[", connections: 1, applicationName: "test"), logger: quiet)
    let error = await #expect(throws: PostgresError.self) { try await pool.waitUntilReachable() }
    #expect(error?.isTransient == false)
    await pool.close()
  }

  @Test("Waiting for the server ends when it answers")
  func waiting() async throws {
    let server = try await PostgresServer.start()
    try await server.kill()
    try await server.withPool(maximumWait: PostgresServer.testTimeout) { pool in
      async let reachable: Void = pool.waitUntilReachable()
      try await server.start()
      try await reachable
    }
  }

  @Test("A graceful shutdown finishes open transactions and rejects new ones")
  func shutdown() async throws {
    let server = try await PostgresServer.shared()
    let pool = PostgresPool(
      PostgresConfiguration(url: server.url(), connections: 1, applicationName: "test"), logger: quiet)
    let group = ServiceGroup(services: [pool], logger: quiet)
    async let running: Void = group.run()
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let (stopping, stop) = AsyncStream.makeStream(of: Void.self)
    async let transaction = pool.transaction { transaction in
      try await transaction.run("select 1")
      begin.yield()
      for await _ in stopping { break }
      return try await transaction.run("select 2::int8").first?.int(0)
    }
    for await _ in begun { break }
    await group.triggerGracefulShutdown()
    try await eventually("the pool to refuse new transactions") {
      do {
        _ = try await pool.transaction { try await $0.run("select 1") }
        return false
      } catch is PostgresError {
        return true
      }
    }
    stop.yield()
    #expect(try await transaction == 2)
    try await running
  }
}
