import Foundation
import Models
import ProvisioningLog

/// Counts the requests with tokens that nobody issued, by workspace, client address and hour, in bounded memory.
///
/// Anybody who knows a workspace's id can make up a token of the right form, so what such a request says of itself is not kept. Its admin
/// still sees that somebody sends a wrong token: one entry of the log tells how many requests came from an address within an hour. The entry
/// is sent with the first request, and again while the count rises.
struct UnverifiedSenders: Sendable {
  private struct Key: Hashable {
    var workspace: WorkspaceID
    /// nil for all addresses beyond the limit, which are counted together.
    var address: String?
    /// Since 1970.
    var hour: Int64
  }

  private struct Requests {
    var id: LogEntryID
    var summary: LogEntry.UnverifiedSender
    /// How many the last entry that was sent tells of, and when that was.
    var sent = 0
    var sentAt = Date.distantPast
  }

  private var counted: [Key: Requests] = [:]
  private var addresses: [WorkspaceID: Int] = [:]
  private let maximum: Int

  /// The most addresses of one workspace with a count of their own; requests from further addresses are counted together.
  static let maximumAddresses = 50
  /// After how many seconds an entry is sent again at the earliest.
  static let interval: TimeInterval = 60

  /// - Parameter maximum: how many entries are held; requests beyond are not counted.
  init(maximum: Int = 10_000) {
    self.maximum = maximum
  }

  /// Counts one request.
  ///
  /// - Returns: whether its entry is to be sent now; nil where there is no room for it.
  mutating func record(_ workspace: WorkspaceID, from address: String?, at now: Date) -> Bool? {
    var key = Key(workspace: workspace, address: address, hour: Self.hour(of: now))
    if counted[key] == nil, addresses[workspace, default: 0] >= Self.maximumAddresses { key.address = nil }
    if counted[key] == nil {
      guard counted.count < maximum else { return nil }
      counted[key] = Requests(id: .made(at: now), summary: .init(requests: 0, firstAt: now, lastAt: now))
      addresses[workspace, default: 0] += 1
    }
    counted[key]?.summary.requests += 1
    counted[key]?.summary.lastAt = now
    return counted[key].map { Self.isDue(key, $0, at: now) }
  }

  /// Whether there is something to be sent, or to be forgotten.
  func isDue(at now: Date) -> Bool { counted.contains { Self.isDue($0.key, $0.value, at: now) } }

  /// Takes the entries that are to be sent.
  ///
  /// - Parameter all: also those that were sent a moment ago.
  mutating func take(at now: Date, all: Bool) -> [LogEntry] {
    var entries: [LogEntry] = []
    for (key, requests) in counted {
      if requests.summary.requests > requests.sent, all || Self.isDue(key, requests, at: now) {
        entries.append(
          LogEntry(
            id: requests.id, workspace: key.workspace, unverified: requests.summary, address: key.address,
            detail: APIError.unknownToken().error.detail))
        counted[key]?.sent = requests.summary.requests
        counted[key]?.sentAt = now
      }
      if key.hour < Self.hour(of: now) {
        counted[key] = nil
        let left = addresses[key.workspace, default: 1] - 1
        addresses[key.workspace] = left == 0 ? nil : left
      }
    }
    return entries.sorted { $0.id < $1.id }
  }

  private static func isDue(_ key: Key, _ requests: Requests, at now: Date) -> Bool {
    guard key.hour == hour(of: now) else { return true }
    return requests.summary.requests > requests.sent && now.timeIntervalSince(requests.sentAt) >= interval
  }

  private static func hour(of time: Date) -> Int64 { Int64((time.timeIntervalSince1970 / 3600).rounded(.down)) }
}
