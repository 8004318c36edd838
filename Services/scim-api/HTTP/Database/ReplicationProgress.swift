/// A position in the write-ahead log of PostgreSQL: the number of bytes before it.
package struct LogPosition: Sendable, Hashable, Comparable {
  /// The number of bytes before the position; not negative.
  package var bytes: Int64

  /// Creates a position.
  package init(bytes: Int64) {
    self.bytes = bytes
  }

  /// The start of the log, which every replica has replayed.
  package static let start = LogPosition(bytes: 0)
  /// A position that no replica reaches.
  package static let unreachable = LogPosition(bytes: .max)

  package static func < (left: LogPosition, right: LogPosition) -> Bool { left.bytes < right.bytes }
}

/// How far a replica has replayed the log of its primary, and how much time it lags behind.
///
/// The lag is measured with the clock of this process: each sample has a position of the primary and the time at which it was asked for. A
/// replica that has replayed that position has everything that was committed before that time. So the lag is right while the primary is idle,
/// while the replica has lost its connection to the primary, and whatever the clocks of the servers show.
struct ReplicationProgress: Sendable {
  private struct Sample: Sendable {
    var position: LogPosition
    var at: ContinuousClock.Instant
  }

  /// The samples that the replica has not reached, oldest first.
  private var samples: [Sample] = []
  /// The position up to which the replica has replayed the log; nil before the first measurement.
  private(set) var replayed: LogPosition?
  /// The last time of which the replica is known to have every commit; nil if none is known.
  private(set) var currentAsOf: ContinuousClock.Instant?

  /// The maximum number of samples. Beyond it, the lag of a replica that catches up is overestimated for a while.
  static let maximumSamples = 600

  /// Adds a measurement. The lag is known from the second one on.
  ///
  /// - Parameters:
  ///   - written: The position of the primary.
  ///   - time: When it was asked for.
  ///   - replayed: The position that the replica had replayed afterwards.
  mutating func measure(written: LogPosition, at time: ContinuousClock.Instant, replayed: LogPosition) {
    let former = self.replayed
    self.replayed = replayed
    // A primary has what its replica had replayed before, and does not lose what it had written. A server without it is not the primary of this
    // replica, for example after it was restored from a backup.
    guard let former, former <= written, samples.last.map({ $0.position <= written }) ?? true else {
      (samples, currentAsOf) = ([], nil)
      return
    }
    samples.append(Sample(position: written, at: time))
    if samples.count > Self.maximumSamples { samples.remove(at: samples.count - 2) }
    let reached = samples.prefix { $0.position <= replayed }
    if let last = reached.last { currentAsOf = last.at }
    samples.removeFirst(reached.count)
  }

  /// How old the state of the replica is at most; nil if that is unknown.
  func lag(at now: ContinuousClock.Instant) -> Duration? { currentAsOf.map { now - $0 } }
}
