import Foundation
import Kafka
import Logging
import Migrations
import Models
import Postgres
import TestSupport

@testable import GroupSync

/// A test database with the directory of group-sync.
struct DirectoryDatabase: Sendable {
  /// A pool with the database role of group-sync.
  let pool: PostgresPool
  /// A pool with the database role of scimctl.
  let reader: PostgresPool
  /// A pool with the database role of scim-api.
  let edge: PostgresPool
  /// A pool with the role that owns the tables.
  let owner: PostgresPool
  private let transaction: DirectoryTransaction

  /// Creates a database on the shared server.
  static func start(securityEvents: SecurityEvents? = nil) async throws -> DirectoryDatabase {
    try await start(on: PostgresServer.shared(), securityEvents: securityEvents)
  }

  /// Creates a database on `server`.
  static func start(on server: PostgresServer, securityEvents: SecurityEvents? = nil) async throws -> DirectoryDatabase {
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    return DirectoryDatabase(
      pool: pool(server.url(database: database, role: "group_sync"), planning: .onceByIndex),
      reader: pool(server.url(database: database, role: "scimctl"), planning: .adaptive),
      edge: pool(server.url(database: database, role: "scim_api"), planning: .adaptive),
      owner: pool(server.url(database: database), planning: .adaptive), securityEvents: securityEvents)
  }

  private init(pool: PostgresPool, reader: PostgresPool, edge: PostgresPool, owner: PostgresPool, securityEvents: SecurityEvents?) {
    self.pool = pool
    self.reader = reader
    self.edge = edge
    self.owner = owner
    transaction = DirectoryTransaction(pool: pool, writer: DirectoryWriter(source: "group-sync/test", securityEvents: securityEvents))
  }

  private static func pool(_ url: String, planning: PostgresConfiguration.Planning) -> PostgresPool {
    PostgresPool(
      PostgresConfiguration(
        url: url, connections: 1, statementTimeout: PostgresServer.testTimeout, applicationName: "test",
        maximumWait: PostgresServer.testTimeout, planning: planning),
      logger: quiet)
  }

  /// Applies the events as one batch.
  func apply(_ events: [IdentityEvent]) async throws {
    _ = try await transaction.process(try events.map(Self.received))
  }

  /// The published directory events, in order.
  func messages() async throws -> [DirectoryEvent] {
    let rows = try await pool.query(
      Statement("messages", "select topic, key, payload, headers from directory.outbox where topic <> 'security.events' order by id"))
    return try rows.map { row in
      let headers = try row.textArray(3)
      let id = headers.firstIndex(of: "ce_id").map { headers[$0 + 1] }
      let event = try DirectoryEvent(id: id ?? "", data: row.bytes(2))
      guard try row.string(0) == "directory.events", try row.bytes(1) == Array(event.workspace.description.utf8) else {
        throw MessageError.malformed(attribute: "key", value: "\(row)")
      }
      return event
    }
  }

  /// The events of the log, in the order of their positions, which must have no gap.
  func log() async throws -> [DirectoryEvent] {
    let rows = try await pool.query(
      Statement(
        "log",
        """
        select position, workspace_id, sequence, id, type, data,
          stored_at >= lag(stored_at, 1, stored_at) over (order by position),
          (select last_position = (select count(*) from directory.events) from directory.event_log)
        from directory.events
        order by position
        """))
    return try rows.enumerated().map { index, row in
      let event = try DirectoryEvent(id: row.string(3), data: Array(row.string(5).utf8))
      guard try row.int(0) == index + 1, try row.uuid(1) == event.workspace.uuid, try Int64(row.int(2)) == event.sequence,
        try row.string(4) == event.type.rawValue, try row.bool(6), try row.bool(7)
      else { throw MessageError.malformed(attribute: "event", value: "\(row)") }
      return event
    }
  }

  /// The state of a product that has received all published events.
  func product() async throws -> Product {
    var product = Product()
    for event in try await messages() { product.apply(event) }
    return product
  }

  /// The visible members of each group, as the product queries them.
  func visibleMembers() async throws -> [GroupID: Set<UserID>] {
    let rows = try await reader.query(
      Statement("shown", "select group_id, member_id from directory_read.group_members where workspace_id = $1 and visible"),
      [.uuid(Fixture.workspace.uuid)])
    return try rows.reduce(into: [:]) { visibleMembers, row in
      visibleMembers[GroupID(try row.uuid(0)), default: []].insert(UserID(try row.uuid(1)))
    }
  }

  /// Email, state and visibility of every member of every group.
  func view() async throws -> [[String?]] {
    let rows = try await reader.query(Statement("view", "select email, state, visible::text from directory_read.group_members"))
    return try rows.map { row in [try row.optionalString(0), try row.optionalString(1), try row.optionalString(2)] }
  }

  /// The stored member counts of each group that has members: visible, pending and held.
  func counts() async throws -> [GroupID: [Int]] {
    let rows = try await reader.query(
      Statement(
        "counts", "select group_id, visible, pending, held from directory_read.group_counts where (visible, pending, held) <> (0, 0, 0)"))
    return try rows.reduce(into: [:]) { counts, row in
      counts[GroupID(try row.uuid(0))] = [try row.int(1), try row.int(2), try row.int(3)]
    }
  }

  /// The member counts of each group, computed from the memberships.
  func counted() async throws -> [GroupID: [Int]] {
    let rows = try await pool.query(
      Statement(
        "counted",
        """
        select
          s.group_id, count(*) filter (where m.state = 'active'), count(*) filter (where m.state is null or m.state = 'invited'),
          count(*) filter (where m.state = 'disabled')
        from directory.memberships s
        left join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
        group by s.group_id
        having count(*) filter (where m.state is distinct from 'deleted') > 0
        """))
    return try rows.reduce(into: [:]) { counts, row in
      counts[GroupID(try row.uuid(0))] = [try row.int(1), try row.int(2), try row.int(3)]
    }
  }

  static func received(_ event: IdentityEvent) throws -> ReceivedEvent {
    let message = try message(event)
    return try ReceivedEvent(
      Message(
        topic: message.topic, partition: 0, offset: 0, timestamp: nil, key: message.key, headers: message.headers, value: message.value))
  }

  /// The message that identity-store would send.
  static func message(_ event: IdentityEvent) throws -> OutgoingMessage {
    let cloudEvent = try event.cloudEvent(id: event.identity, source: "identity-store/test", time: Fixture.time, traceparent: nil)
    return OutgoingMessage(cloudEvent, topic: .identityEvents, key: event.workspace.description)
  }
}

/// A logger that discards everything.
let quiet = Logger(label: "group-sync", factory: { _ in SwiftLogNoOpLogHandler() })
