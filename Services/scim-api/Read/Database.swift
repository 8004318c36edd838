import Models
import Postgres

/// The store's views, read with patience: a read that meets a restart of the database is tried again.
///
/// Every read is one workspace's and says so to the database, whose row-level security shows that workspace's rows and no others, whatever
/// the statement asks for.
struct Database: Sendable {
  private let pool: PostgresPool
  /// How long a read is tried again before the caller is told that the database is away.
  private let patience: Duration
  private let turns: WorkspaceConcurrencyLimiter

  /// - Parameter turns: who may have a connection to itself at the same time.
  init(pool: PostgresPool, patience: Duration, turns: WorkspaceConcurrencyLimiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 4)) {
    self.pool = pool
    self.patience = patience
    self.turns = turns
  }

  func query(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    try await patiently { try await pool.query(statement, parameters, under: .inForce(workspace)) }
  }

  /// Reads what belongs to no workspace: of those that do, it sees no row.
  func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
    try await patiently { try await pool.query(statement, parameters) }
  }

  /// Runs a statement that may read a whole workspace, on a connection of its own: it keeps no look-up waiting behind it, and there are as
  /// many at once as there are such connections, of which one workspace has but a part.
  func search(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    let turn = try await turns.turn(of: workspace)
    defer { withExtendedLifetime(turn) {} }
    return try await patiently { try await pool.snapshot(under: .inForce(workspace)).query(statement, parameters) }
  }

  /// One moment of a workspace, for several statements on a connection of their own.
  func snapshot(of workspace: WorkspaceID) async throws -> Snapshot {
    let turn = try await turns.turn(of: workspace)
    return Snapshot(stored: try await pool.snapshot(under: .inForce(workspace)), turn: turn)
  }

  /// A workspace as it was at one moment. It takes one of the workspace's turns for as long as it is held.
  struct Snapshot: Sendable {
    fileprivate let stored: PostgresSnapshot
    fileprivate let turn: WorkspaceConcurrencyLimiter.Turn

    func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
      try await stored.query(statement, parameters)
    }
  }

  private func patiently(_ read: () async throws -> Rows) async throws -> Rows {
    let deadline = ContinuousClock.now + patience
    var pause = Duration.milliseconds(20)
    while true {
      do {
        return try await read()
      } catch let error as PostgresError where error.isTransient && ContinuousClock.now + pause < deadline {
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(500))
      }
    }
  }
}

extension LocalSetting {
  /// What the policies of the store's tables ask for: the workspace whose rows may be seen.
  static func inForce(_ workspace: WorkspaceID) -> LocalSetting { LocalSetting("rollcall.workspace", workspace.description) }
}
