import Foundation
import Kafka
import Logging
import Migrations
import Models
import Outbox
import Postgres
import TestSupport

@testable import InvitationMailer

/// A new database with all schemas, and a pool with the role of the mailer.
struct MailerDatabase {
  let server: PostgresServer
  let pool: PostgresPool

  /// Creates the database.
  ///
  /// - Parameter server: The server; nil for the shared one. Tests that stop or damage the server start their own.
  static func start(on server: PostgresServer? = nil) async throws -> MailerDatabase {
    let server = if let server { server } else { try await PostgresServer.shared() }
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    let pool = PostgresPool(
      PostgresConfiguration(
        url: server.url(database: database, role: "invitation_mailer"), connections: 2, statementTimeout: PostgresServer.testTimeout,
        applicationName: "test", maximumWait: PostgresServer.testTimeout),
      logger: .silent)
    return MailerDatabase(server: server, pool: pool)
  }

  var events: EventStore { EventStore(pool: pool) }
  var invitations: InvitationStore { InvitationStore(pool: pool) }

  @discardableResult
  func apply(_ events: IdentityEvent..., at now: Date = .sample) async throws -> [NewInvitation] {
    try await self.events.apply(try events.map { try $0.received() }, at: now).invitations
  }

  func due(atMost limit: Int = 10, at now: Date = .sample) async throws -> [DueInvitation] {
    try await pool.withExclusiveConnection { try await invitations.due(atMost: limit, at: now, in: $0).due }
  }

  /// The stored invitations of a user, in the order of the user's versions.
  func recorded(_ user: UserKey = .ana) async throws -> [RecordedInvitation] {
    let statement = Statement(
      "recorded invitations",
      """
      select state, attempts, answer, sent_at
      from mailer.invitations
      where workspace_id = $1 and user_id = $2
      order by user_version, created_at, id
      """)
    return try await pool.query(statement, [.uuid(user.workspace.uuid), .uuid(user.id.uuid)]).map { row in
      RecordedInvitation(
        state: try row.string(0), attempts: try row.int(1), answer: try row.optionalString(2), sentAt: try row.optionalTimestamp(3))
    }
  }

  /// The history of a user's latest invitation.
  func history(_ user: UserKey = .ana) async throws -> [RecordedState] {
    let statement = Statement(
      "recorded history",
      """
      select h.state, h.reason
      from mailer.invitation_history h
      join (
        select id from mailer.invitations where workspace_id = $1 and user_id = $2 order by created_at desc, user_version desc limit 1
      ) latest on latest.id = h.invitation_id
      where h.workspace_id = $1
      order by h.id
      """)
    return try await pool.query(statement, [.uuid(user.workspace.uuid), .uuid(user.id.uuid)]).map { row in
      RecordedState(state: try row.string(0), reason: try row.string(1))
    }
  }

  /// When the next mail to a user is due; nil if none is planned.
  func nextMail(_ user: UserKey = .ana) async throws -> Date? {
    let statement = Statement(
      "next mail",
      """
      select min(next_attempt_at)
      from mailer.invitations
      where workspace_id = $1 and user_id = $2 and state <> 'sending' and next_attempt_at is distinct from expires_at
      """)
    return try await pool.query(statement, [.uuid(user.workspace.uuid), .uuid(user.id.uuid)]).first?.optionalTimestamp(0)
  }

  /// Records the result of a mail, as the scheduler does.
  func record(
    _ result: DeliveryResult, on invitation: DueInvitation, policy: InvitationPolicy = InvitationPolicy(), at now: Date = .sample,
    pause: Duration = .seconds(5)
  ) async throws {
    let record = MailRecord(
      result, reminder: invitation.reminder, attempts: invitation.attempts, firstTriedAt: invitation.firstTriedAt,
      isDigest: invitation.isDigest, policy: policy, now: now, pause: pause)
    _ = try await invitations.record([MailOutcome(invitation, record)], at: now)
  }

  /// Claims the due invitations, as the scheduler does, and returns them.
  @discardableResult
  func claim(at now: Date = .sample, by instance: String = "invitation-mailer/0") async throws -> [DueInvitation] {
    try await pool.withExclusiveConnection { session in
      let due = try await invitations.due(atMost: 1000, at: now, in: session).due
      return try await invitations.claim(due, by: instance, at: now, in: session)
    }
  }

  /// The number of invitations and notices whose mail is not sent yet.
  func unsentCount() async throws -> Int {
    let statement = Statement(
      "unsent mails",
      """
      select
        (select count(*) from mailer.invitations where state in ('scheduled', 'sending'))
        + (select count(*) from mailer.notices where state in ('scheduled', 'sending'))
        + (select count(*) from mailer.alerts where state in ('scheduled', 'sending'))
      """)
    return try await pool.query(statement).first?.int(0) ?? 0
  }

  /// The states of the events in the outbox, in their order.
  func publishedStates() async throws -> [String] {
    let statement = Statement("published events", "select convert_from(payload, 'UTF8')::jsonb ->> 'state' from mailer.outbox order by id")
    return try await pool.query(statement).map { try $0.string(0) }
  }

  /// Runs SQL without parameters.
  func execute(_ sql: String) async throws { _ = try await pool.query(Statement(once: "test", sql)) }

  /// All rows of the mailer's tables with personal data, as text.
  func allText() async throws -> String {
    var texts: [String] = []
    for table in ["users", "invitations", "invitation_history", "skipped_sign_ins", "held_changes"] {
      let statement = Statement("all of \(table)", "select t::text from mailer.\(table) t")
      texts += try await pool.query(statement).map { try $0.string(0) }
    }
    return texts.joined(separator: "\n")
  }
}

struct RecordedInvitation: Equatable {
  var state: String
  var attempts = 0
  var answer: String?
  var sentAt: Date?
}

struct RecordedState: Equatable {
  var state: String
  var reason: String
}

extension Logger {
  static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension MailerDatabase {
  /// A pool with the role of the database's owner.
  func owner() async throws -> PostgresPool {
    let name = try await pool.query(Statement(once: "name", "select current_database()::text")).first?.string(0) ?? ""
    return PostgresPool(
      PostgresConfiguration(
        url: server.url(database: name), connections: 1, statementTimeout: PostgresServer.testTimeout, applicationName: "test",
        maximumWait: PostgresServer.testTimeout),
      logger: .silent)
  }
}

extension DeadLetters {
  /// The dead letters of a mailer that uses the database of a test.
  init(_ database: MailerDatabase, _ producer: Producer) {
    self.init(
      consumer: "invitation-mailer", producer: producer, table: DeadLetterTable("mailer.dead_letters", pool: database.pool),
      logger: .silent)
  }
}
