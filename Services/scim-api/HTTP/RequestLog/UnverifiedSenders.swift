import Foundation
import Models
import ProvisioningLog

/// Counts requests with tokens that were never issued, per workspace, client address and hour, in bounded memory.
///
/// Anyone who knows a workspace's id can make up a well-formed token, so the contents of such requests are not logged. The admin still sees
/// that someone uses a wrong token: one log entry per address and hour has the number of requests. The entry is sent with the first request,
/// and again when the count has risen.
struct UnverifiedSenders: Sendable {
  private struct Key: Hashable {
    var workspace: WorkspaceID
    /// nil for all addresses beyond the limit, which are counted together.
    var address: String?
    /// Hours since 1970.
    var hour: Int64
  }

  private struct Requests {
    var id: LogEntryID
    var summary: LogEntry.UnverifiedSender
    /// The count in the last entry that was sent, and when that was.
    var sent = 0
    var sentAt = Date.distantPast
  }

  private var counted: [Key: Requests] = [:]
  private var addresses: [WorkspaceID: Int] = [:]
  private let maximum: Int

  /// The maximum number of addresses per workspace with their own count; requests from further addresses are counted together.
  static let maximumAddresses = 50
  /// The minimum time until an entry is sent again, in seconds.
  static let interval: TimeInterval = 60

  /// - Parameter maximum: the maximum number of entries; requests that need a further one are not counted.
  init(maximum: Int = 10_000) {
    self.maximum = maximum
  }

  /// Counts a request.
  ///
  /// - Returns: Whether its entry is due; nil if it was not counted because the maximum is reached.
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

  /// Whether there are entries to send or to remove.
  func isDue(at now: Date) -> Bool { counted.contains { Self.isDue($0.key, $0.value, at: now) } }

  /// Returns the entries that are due, and removes those of past hours.
  ///
  /// - Parameter all: also returns entries that are not due yet.
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
