import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog
import SCIM

/// The live status of the connection: the latest requests of the identity provider, and the diagnosis if the last one failed.
struct LiveCheck: Sendable, Equatable {
  /// The refresh interval of the page in seconds.
  var refreshInterval: Int
  var isWaiting: Bool
  var latest: ReceivedRequest?
  /// The requests before the latest.
  var earlier: [ReceivedRequest]
  /// The diagnosis of the latest request.
  var failure: Failure?
  /// The last identity provider that was recognised from its user agent.
  var recognised: String?

  /// A request of the identity provider.
  struct ReceivedRequest: Sendable, Equatable {
    /// Method and path: `GET /Users`.
    var request: String
    var sender: String
    var status: Int
    var succeeded: Bool
    var at: String
  }

  /// A diagnosis with the fix.
  struct Failure: Sendable, Equatable {
    var explanation: String
    var fix: String
  }

  /// - Parameters:
  ///   - entries: newest first.
  ///   - diagnosis: of the newest entry, if it failed.
  init(_ entries: [LogEntry], diagnosis: Diagnosis?, at now: Date) {
    isWaiting = entries.isEmpty
    latest = entries.first.map(ReceivedRequest.init)
    earlier = entries.dropFirst().prefix(Self.maximumEarlier).map(ReceivedRequest.init)
    failure = diagnosis.map { Failure(explanation: $0.explanation, fix: $0.fix) }
    recognised = entries.lazy.compactMap { Self.recognisedName($0) }.first
    // After a recent success the page refreshes less often.
    let hasRecentSuccess = entries.first.map { !$0.isFailure && now.timeIntervalSince($0.at) < Self.recentPeriod } ?? false
    refreshInterval = hasRecentSuccess ? 10 : 3
  }

  private static let maximumEarlier = 4
  /// How long a success is recent, in seconds.
  private static let recentPeriod: TimeInterval = 600

  /// The name of the identity provider that the user agent identifies; nil if there is none.
  private static func recognisedName(_ entry: LogEntry) -> String? {
    knownName(ConnectionProfile.auto.recognised(userAgent: entry.userAgent).rawValue)
  }

  /// The display name of an identity provider with a profile of its own; nil for others.
  fileprivate static func knownName(_ provider: String?) -> String? {
    guard let profile = provider.flatMap(ConnectionProfile.init(rawValue:)), [.okta, .entra, .onelogin].contains(profile) else {
      return nil
    }
    return ConsoleText.identityProvider(profile.rawValue)
  }
}

extension LiveCheck.ReceivedRequest {
  init(_ entry: LogEntry) {
    guard entry.unverified == nil else {
      request = RequestDescription.request(of: entry, path: "")
      sender = "an unverified sender"
      status = entry.status
      succeeded = false
      at = Timestamp.text(entry.at)
      return
    }
    let path = entry.path.dropFirst(ResourcePath.base.count)
    request = "\(entry.method) \(path.isEmpty ? "/" : String(path.prefix(100)))"
    sender = LiveCheck.knownName(entry.identityProvider) ?? entry.userAgent.map { String($0.prefix(60)) } ?? "a sender without a name"
    status = entry.status
    succeeded = !entry.isFailure
    at = Timestamp.text(entry.at)
  }
}
