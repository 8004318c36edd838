import Foundation
import Logging
import Models
import Postgres
import Schema
import TestSupport

@testable import invitation_mailer

/// A database of a test's own with every schema, and the mailer's connections to it in the mailer's own role.
struct MailerDatabase {
  let server: PostgresServer
  let pool: PostgresPool

  /// - Parameter server: The shared one unless the test means to harm it.
  static func start(on server: PostgresServer? = nil) async throws -> MailerDatabase {
    let server = if let server { server } else { try await PostgresServer.shared() }
    let database = try await server.createDatabase(migrations: Schema.all)
    let pool = PostgresPool(
      PostgresConfiguration(url: server.url(database: database, role: "invitation_mailer"), connections: 2, applicationName: "test"),
      logger: .silent)
    return MailerDatabase(server: server, pool: pool)
  }

  var events: EventStore { EventStore(pool: pool) }
  var invitations: InvitationStore { InvitationStore(pool: pool) }

  @discardableResult
  func apply(_ events: IdentityEvent...) async throws -> [NewInvitation] {
    try await self.events.apply(try events.map { try $0.received() }, at: .sample)
  }

  func due(atMost limit: Int = 10, at now: Date = .sample) async throws -> [DueInvitation] {
    try await pool.withExclusiveConnection { try await invitations.due(atMost: limit, at: now, in: $0) }
  }

  /// The invitations, by the order of the versions that made them.
  func recorded(_ user: UserKey = .ana) async throws -> [RecordedInvitation] {
    let statement = Statement(
      "recorded invitations",
      """
      select state, attempts, answer, sent_at
      from mailer.invitations
      where workspace_id = $1 and user_id = $2
      order by user_version
      """)
    return try await pool.query(statement, [.uuid(user.workspace.uuid), .uuid(user.id.uuid)]).map { row in
      RecordedInvitation(
        state: try row.string(0), attempts: try row.int(1), answer: try row.optionalString(2), sentAt: try row.optionalTimestamp(3))
    }
  }

  /// Every text that any of the mailer's tables holds.
  func everything() async throws -> String {
    var texts: [String] = []
    for table in ["users", "invitations"] {
      let statement = Statement("whole \(table)", "select t::text from mailer.\(table) t")
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

extension Logger {
  static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
