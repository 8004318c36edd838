import Synchronization

/// Records since when messages cannot be published, and why.
final class Outage: Sendable {
  private let state = Mutex<(since: ContinuousClock.Instant, problem: String)?>(nil)

  var current: (since: ContinuousClock.Instant, problem: String)? { state.withLock { $0 } }

  func begin(_ problem: String) {
    state.withLock { $0 = ($0?.since ?? .now, problem) }
  }

  func end() {
    state.withLock { $0 = nil }
  }
}

/// The topics that do not accept messages at the moment, each with the time of the next attempt.
struct TopicPauses {
  private var pauses: [String: (until: ContinuousClock.Instant, length: Duration)] = [:]

  private static let first = Duration.milliseconds(200)
  private static let longest = Duration.seconds(10)

  func topics(at now: ContinuousClock.Instant) -> [String] {
    pauses.filter { $0.value.until > now }.map(\.key).sorted()
  }

  /// Pauses the topic for twice as long as before, and returns the duration.
  mutating func extend(_ topic: String, at now: ContinuousClock.Instant) -> Duration {
    let length = pauses[topic].map { min($0.length * 2, Self.longest) } ?? Self.first
    pauses[topic] = (now + length, length)
    return length
  }

  mutating func end(_ topic: String) {
    pauses[topic] = nil
  }
}
