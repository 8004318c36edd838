import Kafka
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("scimctl recover")
struct RecoverCommandTests {
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  /// The committed, first and last offset of a partition, the offset in the restored database, whether a rebuild publishes the content again,
  /// and the new offset.
  private static let offsets: [(committed: Int64?, low: Int64, high: Int64, recorded: Int64?, isRestated: Bool, expected: Int64?)] = [
    // Events after the restored moment are skipped.
    (committed: 90, low: 0, high: 100, recorded: 70, isRestated: true, expected: 100),
    (committed: nil, low: 0, high: 100, recorded: 70, isRestated: true, expected: 100),
    (committed: 100, low: 0, high: 100, recorded: 70, isRestated: true, expected: nil),
    // Other messages are read again.
    (committed: 90, low: 0, high: 100, recorded: 70, isRestated: false, expected: 70),
    (committed: 90, low: 80, high: 100, recorded: nil, isRestated: false, expected: 80),
    (committed: 70, low: 0, high: 100, recorded: 70, isRestated: false, expected: nil),
    // The topic was lost as well.
    (committed: nil, low: 0, high: 0, recorded: 70, isRestated: true, expected: nil),
    (committed: nil, low: 0, high: 0, recorded: 70, isRestated: false, expected: nil),
    (committed: nil, low: 0, high: 3, recorded: 2, isRestated: false, expected: nil),
    (committed: 3, low: 0, high: 3, recorded: 70, isRestated: false, expected: nil),
  ]

  @Test("Consumers skip the events of the lost history, and read other messages since the restored moment again", arguments: offsets)
  func offset(committed: Int64?, low: Int64, high: Int64, recorded: Int64?, isRestated: Bool, expected: Int64?) {
    let position = ClusterInspection.Position(committed: committed, low: low, high: high)
    #expect(RestoredDatabase.offset(at: position, recorded: recorded, isRestated: isRestated) == expected)
  }

  @Test("It says how many messages of each topic are skipped or read again")
  func lines() {
    func partition(_ topic: Topic, _ number: Int32) -> TopicPartition { TopicPartition(topic: topic.name, partition: number) }
    let positions: [TopicPartition: ClusterInspection.Position] = [
      partition(.identityEvents, 0): .init(committed: 5, low: 0, high: 9),
      partition(.identityEvents, 1): .init(committed: 2, low: 0, high: 3),
      partition(.signInEvents, 0): .init(committed: 8, low: 0, high: 8),
    ]
    let changes = [partition(.identityEvents, 0): Int64(9), partition(.identityEvents, 1): 3, partition(.signInEvents, 0): 6]
    #expect(
      RestoredDatabase.lines(of: "invitation-mailer", changes, positions) == [
        "invitation-mailer skips 5 messages of identity.events", "invitation-mailer reads the last 2 messages of sign-in.events again",
      ])
  }

  @Test("It changes nothing while a service is connected")
  func runningServices() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String, _ name: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: database, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: name, maximumWait: PostgresServer.testTimeout),
        logger: quiet)
    }
    let (owner, service) = (pool("postgres", "scimctl"), pool("group_sync", "group-sync-0"))
    try await service.check()
    let recovery = RestoredDatabase(
      pool: owner,
      inspection: try ClusterInspection(KafkaConfiguration(bootstrapServers: "127.0.0.1:1", clientID: "scimctl"), logger: quiet))
    let epoch = Statement(once: "epoch", "select epoch from directory.event_log")
    let before = try await owner.query(epoch).first?.uuid(0)
    let failure = await #expect(throws: ScimctlError.self) { _ = try await recovery.reconcile() }
    #expect(failure?.message.contains("group-sync-0") == true)
    let after = try await owner.query(epoch).first?.uuid(0)
    #expect(before != nil && before == after)
    for pool in [owner, service] { await pool.close() }
  }
}
