import Foundation
import Kafka
import Models
import Postgres

/// Measures the activity of a deployment.
struct ActivityMonitor: Sendable {
  let pool: PostgresPool
  let inspection: ClusterInspection

  /// How far it looks back, in seconds.
  static let window = 60

  /// Measures once.
  ///
  /// - Parameter limit: The maximum number of workspaces.
  /// - Throws: `PostgresError`, `KafkaError`.
  func measure(limit: Int, at now: Date) async throws -> DeploymentActivity {
    let found = try await inspection.topics(KafkaCheck.topics)
    var lags: [DeploymentActivity.Lag] = []
    for group in KafkaCheck.groups {
      let topics = group.topics.reduce(into: [String: Int]()) { $0[$1.name] = found[$1.name]?.partitions }
      guard !topics.isEmpty else { continue }
      let positions = try await inspection.positions(of: group.name, on: topics)
      lags.append(DeploymentActivity.Lag(group: group.name, messages: positions.values.reduce(0) { $0 + $1.lag }))
    }
    return DeploymentActivity(
      at: now, window: Self.window, workspaces: try await busiestWorkspaces(limit: limit), lags: lags,
      statements: try await runningStatements())
  }

  /// The workspaces with the most requests.
  ///
  /// - Throws: `PostgresError`.
  func busiestWorkspaces(limit: Int) async throws -> [DeploymentActivity.WorkspaceRequests] {
    try await pool.query(Self.busiest, [.int(Int64(Self.window)), .int(Int64(limit))]).map { row in
      DeploymentActivity.WorkspaceRequests(
        slug: try row.string(0), requests: try row.int(1), failed: try row.int(2), rejected: try row.int(3),
        slowestMilliseconds: Int(try row.double(4).rounded()))
    }
  }

  /// The statements of the deployment that run longest. Those of other roles are visible only to members of pg_read_all_stats.
  ///
  /// - Throws: `PostgresError`.
  func runningStatements() async throws -> [DeploymentActivity.RunningStatement] {
    try await pool.query(Self.running).map { row in
      DeploymentActivity.RunningStatement(process: try row.string(0), milliseconds: try row.int(1), text: try row.string(2))
    }
  }

  // The function is in Shared/Migrations/identity/028-busiest-workspaces.sql.
  private static let busiest = Statement(
    "busiest workspaces", "select slug, requests, failed, rejected, slowest from identity_read.busiest_workspaces($1, $2)")

  /// Parameters are not part of the text.
  private static let running = Statement(
    "running statements",
    """
    select
      application_name, (extract(epoch from clock_timestamp() - query_start) * 1000)::int8,
      left(regexp_replace(query, '\\s+', ' ', 'g'), 120)
    from pg_stat_activity
    where datname = current_database()
    and state = 'active'
    and pid <> pg_backend_pid()
    and backend_type = 'client backend'
    order by query_start
    limit 5
    """)
}
