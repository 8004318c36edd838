import Postgres

/// Looks back over the last hour: writes without an answer from identity-store, and requests that failed, according to the provisioning log.
///
/// These are warnings, since the cause may be over. ``DeadLetterCheck`` counts the dead letters of the hour.
struct LastHourCheck: Sendable {
  let pool: PostgresPool

  /// The requests of the last hour with a status of 5xx.
  struct Failure: Sendable, Equatable {
    var status: Int
    var requests: Int
    var workspaces: Int
  }

  /// Reads the provisioning log.
  ///
  /// - Throws: `PostgresError`.
  func findings() async throws -> [Finding] {
    Self.findings(
      try await pool.query(DoctorQueries.lastHour).map {
        Failure(status: try $0.int(0), requests: try $0.int(1), workspaces: try $0.int(2))
      })
  }

  /// The findings about `failures`.
  static func findings(_ failures: [Failure]) -> [Finding] {
    guard !failures.isEmpty else { return [.ok("last-hour", "the provisioning log has no request with a 5xx")] }
    return failures.map { failure in
      let requests = "requests with status \(failure.status) within the last hour: \(failure.requests) (workspaces: \(failure.workspaces))"
      guard failure.status == 503 else {
        return .warn(
          "last-hour", requests,
          fix: "scimctl log tail --workspace SLUG --status \(failure.status); then see ops/runbook.md, RollcallAvailabilityBudgetBurn")
      }
      return .warn(
        "last-hour", "\(requests); scim-api was busy, or identity-store did not execute them in time. Their senders try again",
        fix: "scimctl log tail --workspace SLUG --status 503; then see ops/runbook.md, RollcallCommandsUnanswered")
    }
  }
}
