import Foundation
import Models
import Synchronization

/// Selects the successful reads that the provisioning log records: the first of each sender, and then one per minute.
///
/// Identity providers test a connection with a read, so the admin sees that the test arrived, and frequent reads make few entries.
final class ReadSampler: Sendable {
  private struct RecordedRead {
    /// The `User-Agent`.
    var sender: String?
    var at: Date
  }

  private let reads = Mutex<[TokenID: [RecordedRead]]>([:])
  private let maximumTokens: Int

  /// The minimum time between two recorded reads of a sender, in seconds.
  static let interval: TimeInterval = 60
  /// The maximum number of senders per token within ``interval``: a token belongs to one identity provider, and `User-Agent` is arbitrary
  /// text.
  static let maximumSenders = 4

  init(maximumTokens: Int = 10_000) {
    self.maximumTokens = maximumTokens
  }

  /// Whether the read is to be recorded. If so, further reads of the sender are not due until ``interval`` has passed.
  func isDue(_ token: TokenID, from sender: String?, at now: Date) -> Bool {
    reads.withLock { reads in
      var known = reads[token] ?? []
      if let index = known.firstIndex(where: { $0.sender == sender }) {
        guard now.timeIntervalSince(known[index].at) >= Self.interval else { return false }
        known[index].at = now
      } else {
        known.removeAll { now.timeIntervalSince($0.at) >= Self.interval }
        guard known.count < Self.maximumSenders else { return false }
        known.append(RecordedRead(sender: sender, at: now))
      }
      if reads[token] == nil, reads.count >= maximumTokens {
        reads = reads.filter { entry in entry.value.contains { now.timeIntervalSince($0.at) < Self.interval } }
        if reads.count >= maximumTokens { reads.removeAll(keepingCapacity: true) }
      }
      reads[token] = known
      return true
    }
  }
}
