import EdgeHTTP
import Postgres

/// Reads what concerns the whole deployment.
package struct DeploymentQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of events that identity-store has not published yet.
  package func waitingEvents() async throws -> Int {
    try await database.query(Self.waitingEvents, []).first?.int(0) ?? 0
  }

  private static let waitingEvents = Statement("waiting events", "select count::int8 from identity_read.waiting_events")
}
