import Foundation
import Logging
import Metrics
import Postgres
import ServiceLifecycle
import Synchronization

/// A streaming replica (hot standby) of the database, for reads that may be some seconds old: the pages of the console.
///
/// Every second it is compared with the primary. It is used while it is reachable, lags behind by no more than a limit, and has replayed what
/// the reader wrote before. Otherwise reads use the primary, so the replica never makes the process unready.
package final class ReadReplica: Service {
  /// The position of the log that a replica must have replayed to answer the reads of the current task; nil, the default, if they need the
  /// primary.
  @TaskLocal package static var requiredPosition: LogPosition?

  /// The connections to the replica, a service of its own.
  package let pool: PostgresPool
  /// The lag up to which the replica is used.
  package let maximumLag: Duration
  private let primary: PostgresPool
  private let interval: Duration
  private let logger: Logger
  private let startedAt = ContinuousClock.now

  private struct State {
    var progress = ReplicationProgress()
    /// Why the replica is not used, apart from its lag; nil if nothing is wrong.
    var failure: String? = "it was not compared with the primary yet"
  }

  private let state = Mutex(State())
  private let lag = Gauge(label: "rollcall_read_replica_lag_seconds")
  private let answered = Counter(label: "rollcall_read_replica_queries_total", dimensions: [("outcome", "answered")])
  private let failed = Counter(label: "rollcall_read_replica_queries_total", dimensions: [("outcome", "failed")])
  private let skipped = Counter(label: "rollcall_read_replica_queries_total", dimensions: [("outcome", "skipped")])

  /// - Parameters:
  ///   - pool: The connections to the replica.
  ///   - primary: The connections to the primary.
  ///   - maximumLag: The lag up to which the replica is used.
  ///   - interval: The interval between two measurements.
  package init(
    pool: PostgresPool, primary: PostgresPool, maximumLag: Duration, interval: Duration = .seconds(1), logger: Logger
  ) {
    self.pool = pool
    self.primary = primary
    self.maximumLag = maximumLag
    self.interval = interval
    self.logger = logger
  }

  /// Why the replica is not used now; nil if it is.
  package var problem: String? {
    let now = ContinuousClock.now
    return state.withLock { state in
      if let failure = state.failure { return failure }
      guard let lag = state.progress.lag(at: now) else {
        return "its lag is unknown: it has not replayed what the primary has written, or has another primary"
      }
      return lag <= maximumLag ? nil : "it lags behind by \(Self.text(lag)), more than \(Self.text(maximumLag))"
    }
  }

  /// The position of the primary's log, after everything that was committed before the call. If it cannot be read, one that no replica reaches.
  ///
  /// - Throws: `CancellationError`.
  package func writtenPosition() async throws -> LogPosition {
    do {
      return try await measurePrimary().position
    } catch let error as CancellationError {
      throw error
    } catch {
      logger.warning("the position of the primary's log cannot be read", metadata: ["error": "\(error)"])
      return .unreachable
    }
  }
}

// MARK: - Reads

extension ReadReplica {
  /// Runs a read on the replica, if the current task may use it and it is good enough.
  ///
  /// - Returns: nil if the read has to run on the primary, also after an error of the replica.
  /// - Throws: The error of a read that took too long, which the primary must not repeat; `CancellationError`.
  func read(_ read: (PostgresPool) async throws -> Rows) async throws -> Rows? {
    guard let position = Self.requiredPosition else { return nil }
    guard isUsable(for: position) else {
      skipped.increment()
      return nil
    }
    do {
      let rows = try await read(pool)
      answered.increment()
      return rows
    } catch let error as PostgresError where !error.isTimeout {
      try Task.checkCancellation()
      failed.increment()
      logger.notice("a read failed on the replica; the primary repeats it", metadata: ["error": "\(error)"])
      return nil
    }
  }

  private func isUsable(for position: LogPosition) -> Bool {
    let now = ContinuousClock.now
    return state.withLock { state in
      guard state.failure == nil, let replayed = state.progress.replayed, let lag = state.progress.lag(at: now) else { return false }
      return position <= replayed && lag <= maximumLag
    }
  }
}

// MARK: - Measurements

extension ReadReplica {
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      var isUsed: Bool?
      while !Task.isCancelled {
        do {
          try await self.measure()
        } catch is CancellationError {
          return
        } catch {
          self.state.withLock { $0.failure = "\(error)" }
        }
        isUsed = self.report(isUsed)
        do { try await Task.sleep(for: self.interval) } catch { return }
      }
    }
  }

  /// Compares the replica with the primary.
  ///
  /// - Throws: `PostgresError` or `PostgresDecodingError` of either, with which the replica is not used.
  func measure() async throws {
    let now = ContinuousClock.now
    let primary = try await measurePrimary()
    let row = try await pool.query(Self.replicaPosition).first
    guard let row, try row.uuid(0) == primary.database else { throw Unusable(reason: "it is a replica of another database") }
    guard try row.bool(1) else { throw Unusable(reason: "it is no standby, but a primary") }
    guard let replayed = try row.optionalInt(2) else { throw Unusable(reason: "it has not replayed anything yet") }
    state.withLock { state in
      state.progress.measure(written: primary.position, at: now, replayed: LogPosition(bytes: Int64(replayed)))
      state.failure = nil
    }
  }

  private struct Primary: Sendable {
    /// Identifies the contents of the database.
    var database: UUID
    var position: LogPosition
  }

  private func measurePrimary() async throws -> Primary {
    guard let row = try await primary.query(Self.primaryPosition).first else { throw Unusable(reason: "the primary has no event log") }
    return Primary(database: try row.uuid(0), position: LogPosition(bytes: Int64(try row.int(1))))
  }

  /// Records the lag, and logs when the replica is used from now on, or is not used any more.
  private func report(_ wasUsed: Bool?) -> Bool {
    let now = ContinuousClock.now
    let (current, problem) = (state.withLock { $0.progress.lag(at: now) }, problem)
    lag.record((current ?? (now - startedAt)) / .seconds(1))
    switch (wasUsed, problem) {
    case (true?, let problem?): logger.warning("the read replica is not used", metadata: ["reason": "\(problem)"])
    case (nil, let problem?): logger.notice("the read replica is not used yet", metadata: ["reason": "\(problem)"])
    case (false?, nil), (nil, nil): logger.info("the read replica is used")
    default: break
    }
    return problem == nil
  }

  /// Why a replica cannot be used.
  private struct Unusable: Error, CustomStringConvertible {
    var reason: String

    var description: String { reason }
  }

  /// The duration in seconds with one decimal.
  private static func text(_ duration: Duration) -> String { "\((duration / .milliseconds(100)).rounded() / 10) s" }

  // The end of what was written, not the place of the next record: that is behind the header of the next page or segment, which the replica
  // does not reach while the primary is idle.
  private static let primaryPosition = Statement(
    "position of the primary",
    """
    select epoch, (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8
    from directory_read.event_log
    """)

  private static let replicaPosition = Statement(
    "position of the replica",
    """
    select epoch, pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8
    from directory_read.event_log
    """)
}
