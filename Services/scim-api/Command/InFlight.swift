import Models
import Synchronization

/// Bounds the writes in flight, in all and of each token, so that a store that falls behind is noticed at once and not by deadlines.
final class InFlight: Sendable {
  private struct Counts {
    var all = 0
    var byToken: [TokenID: Int] = [:]
  }

  private let counts = Mutex(Counts())
  private let maximum: Int
  private let maximumPerToken: Int
  private let what: String

  /// - Parameter what: what is counted, for refusals.
  init(maximum: Int, maximumPerToken: Int, what: String = "writes") {
    self.what = what
    self.maximum = maximum
    self.maximumPerToken = maximumPerToken
  }

  /// How many writes are in flight.
  var count: Int { counts.withLock { $0.all } }

  /// Runs `write` as one more of `token`.
  ///
  /// - Throws: 503 or 429 at once where there are too many; whatever `write` throws.
  func withPlace<Result>(of token: TokenID, _ write: () async throws -> Result) async throws -> Result {
    try enter(token)
    defer { leave(token) }
    return try await write()
  }

  private func enter(_ token: TokenID) throws(Refusal) {
    try counts.withLock { counts throws(Refusal) in
      guard counts.all < maximum else { throw .overloaded() }
      guard counts.byToken[token, default: 0] < maximumPerToken else { throw .tooManyRequests(what, limit: maximumPerToken) }
      counts.all += 1
      counts.byToken[token, default: 0] += 1
    }
  }

  private func leave(_ token: TokenID) {
    counts.withLock { counts in
      counts.all -= 1
      let left = counts.byToken[token, default: 1] - 1
      counts.byToken[token] = left == 0 ? nil : left
    }
  }
}
