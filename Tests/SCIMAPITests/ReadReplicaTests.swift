import EdgeHTTP
import Foundation
import Logging
import Models
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import AdminConsole

/// A real primary with a streaming replica, which the test pauses, kills and promotes.
@Suite("The read replica", .timeLimit(.minutes(10)))
struct ReadReplicaTests {
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private static let isStandby = Statement(once: "is standby", "select pg_is_in_recovery()")
  private static let groups = "/console/groups"

  /// The connections to a server, as scim-api has them.
  private static func pool(_ bench: ConsoleBench, on server: PostgresServer, role: String = "scim_api") -> PostgresPool {
    PostgresPool(
      PostgresConfiguration(
        url: server.url(database: bench.database, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
        applicationName: "ReadReplicaTests", maximumWait: role == "postgres" ? PostgresServer.testTimeout : .seconds(1),
        planning: .onceByIndex),
      logger: quiet)
  }

  /// Whether a read of a task that needs everything up to `position` was answered by the standby.
  private static func isFromStandby(
    _ bench: ConsoleBench, _ replica: ReadReplica, after position: LogPosition? = .start
  ) async throws -> Bool {
    let database = Database(pool: bench.reader, retryTimeout: .seconds(5)).reading(from: replica)
    let rows = try await ReadReplica.$requiredPosition.withValue(position) {
      try await database.query(isStandby, [], in: bench.workspace)
    }
    return try #require(rows.first).bool(0)
  }

  @Test("Pages use a replica while it is a reachable standby and near its primary, and sessions find there what they wrote")
  func replica() async throws {
    let server = try await PostgresServer.start()
    var configured = try await ConsoleBench.made(on: server)
    let standby = try await server.startReplica()
    let operatorPool = Self.pool(configured, on: standby, role: "postgres")
    let patient = ReadReplica(
      pool: Self.pool(configured, on: standby), primary: configured.reader, maximumLag: .seconds(3600), interval: .milliseconds(50),
      logger: Self.quiet)
    let strict = ReadReplica(
      pool: Self.pool(configured, on: standby), primary: configured.reader, maximumLag: .milliseconds(500), interval: .milliseconds(50),
      logger: Self.quiet)
    configured.replica = patient
    let bench = configured
    let services = ServiceGroup(services: [patient.pool, strict.pool, operatorPool, patient, strict], logger: Self.quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await services.run() }
      try await eventually("the standby to be used") { try await Self.isFromStandby(bench, strict) }
      try await eventually("the other one, too") { try await Self.isFromStandby(bench, patient) }
      #expect(patient.problem == nil)
      // SCIM and the product API set no position.
      let other = try await Self.isFromStandby(bench, patient, after: nil)
      #expect(!other)

      try await Self.lag(bench, operatorPool, patient: patient, strict: strict)
      try await Self.outage(bench, standby, patient)

      _ = try await operatorPool.query(Statement(once: "promote", "select pg_promote()"))
      try await eventually("the promoted server to be left alone") { patient.problem?.contains("no standby") == true }
      await services.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    await bench.close()
    withExtendedLifetime(standby) {}
  }

  /// Pauses the standby, and writes meanwhile.
  private static func lag(_ bench: ConsoleBench, _ standby: PostgresPool, patient: ReadReplica, strict: ReadReplica) async throws {
    _ = try await standby.query(Statement(once: "pause", "select pg_wal_replay_pause()"))
    try await eventually("the replay to pause") {
      try await standby.query(Statement(once: "state", "select pg_get_wal_replay_pause_state()")).first?.string(0) == "paused"
    }
    _ = try await bench.insertGroup("Paused team")
    let written = try await patient.writtenPosition()
    let hasWrite = try await isFromStandby(bench, patient, after: written)
    #expect(!hasWrite)
    try await eventually("the lag to exceed the limit") {
      let isUsed = try await isFromStandby(bench, strict)
      return !isUsed && strict.problem?.contains("lags behind") == true
    }
    try await bench.serving { client in
      try await eventually("a page of the standby, which lags behind") {
        try await client.get(groups).text.contains("Paused team") == false
      }
      let form = try await client.get("/console/settings/access")
      let sent = try await client.post(
        "/console/settings/access/last-admin", of: form, ["holdsLastAdmin": "on", "notify": "it@acme.example"])
      #expect(sent.status == 303, "\(sent.text)")
      let cookies = (sent.headers["set-cookie"] ?? "").split(separator: "\n")
      let cookie = try #require(cookies.first { $0.hasPrefix(WrittenPosition.cookie) }?.prefix { $0 != ";" })
      let page = try await client.get(groups, cookie: String(cookie))
      #expect(page.text.contains("Paused team"), "\(page.text)")
      let malformed = try await client.get(groups, cookie: "\(WrittenPosition.cookie)=x")
      #expect(malformed.text.contains("Paused team"))
    }
    _ = try await standby.query(Statement(once: "resume", "select pg_wal_replay_resume()"))
    try await eventually("the standby to be used again") { try await isFromStandby(bench, strict) }
    try await eventually("the standby to have the write") { try await isFromStandby(bench, patient, after: written) }
  }

  /// Kills the standby, and starts it again. No read fails.
  private static func outage(_ bench: ConsoleBench, _ standby: PostgresServer, _ replica: ReadReplica) async throws {
    try await standby.kill()
    for _ in 0..<3 {
      let isUsed = try await isFromStandby(bench, replica)
      #expect(!isUsed)
    }
    try await eventually("the outage to be noticed") { replica.problem != nil }
    try await standby.start()
    try await eventually("the standby to be used after its restart") { try await isFromStandby(bench, replica) }
  }
}
