import Foundation
import Models
import Synchronization

/// Picks, of the reads that go well, those that the provisioning log is to have: the first of each sender, and one a minute while it goes
/// on. So somebody who tests a connection, which all do by reading, sees that it arrived; and many reads make few entries.
final class ReadSampler: Sendable {
  private struct Sighting {
    /// The `User-Agent`.
    var sender: String?
    var at: Date
  }

  private let sightings = Mutex<[TokenID: [Sighting]]>([:])
  private let maximumTokens: Int

  /// For how many seconds after one no further read of the same sender is picked.
  static let interval: TimeInterval = 60
  /// The senders of one token that are told apart: a token is one identity provider's, and what else it says of itself is its affair.
  static let maximumSenders = 4

  init(maximumTokens: Int = 10_000) {
    self.maximumTokens = maximumTokens
  }

  /// Whether a read is one of those; if so, those after it are not for a while.
  func isDue(_ token: TokenID, from sender: String?, at now: Date) -> Bool {
    sightings.withLock { sightings in
      var known = sightings[token] ?? []
      if let index = known.firstIndex(where: { $0.sender == sender }) {
        guard now.timeIntervalSince(known[index].at) >= Self.interval else { return false }
        known[index].at = now
      } else {
        known.removeAll { now.timeIntervalSince($0.at) >= Self.interval }
        guard known.count < Self.maximumSenders else { return false }
        known.append(Sighting(sender: sender, at: now))
      }
      if sightings[token] == nil, sightings.count >= maximumTokens {
        sightings = sightings.filter { entry in entry.value.contains { now.timeIntervalSince($0.at) < Self.interval } }
        if sightings.count >= maximumTokens { sightings.removeAll(keepingCapacity: true) }
      }
      sightings[token] = known
      return true
    }
  }
}
