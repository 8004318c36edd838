import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog
import SCIM

/// Whether the identity provider gets through: its latest calls, and why the last one failed.
struct LiveCheck: Sendable, Equatable {
  /// After how many seconds the page asks again.
  var pause: Int
  var isWaiting: Bool
  var latest: Call?
  /// Those before the latest.
  var earlier: [Call]
  /// Why the latest failed, and what to do.
  var failure: Failure?
  /// The identity provider that was recognised last, by how it names itself.
  var recognised: String?

  struct Call: Sendable, Equatable {
    /// `GET /Users`
    var what: String
    var sender: String
    var status: Int
    var isGood: Bool
    var at: String
  }

  struct Failure: Sendable, Equatable {
    var explanation: String
    var fix: String
  }

  /// - Parameters:
  ///   - entries: the newest first.
  ///   - diagnosis: of the first of them, where it failed.
  init(_ entries: [LogEntry], diagnosis: Diagnosis?, at now: Date) {
    isWaiting = entries.isEmpty
    latest = entries.first.map(Call.init)
    earlier = entries.dropFirst().prefix(Self.maximumEarlier).map(Call.init)
    failure = diagnosis.map { Failure(explanation: $0.explanation, fix: $0.fix) }
    recognised = entries.lazy.compactMap { Self.provider($0.recognisedProvider) }.first
    // Once it has got through there is no hurry.
    let hasArrived = entries.first.map { !$0.isFailure && now.timeIntervalSince($0.at) < Self.fresh } ?? false
    pause = hasArrived ? 10 : 3
  }

  private static let maximumEarlier = 4
  private static let fresh: TimeInterval = 600

  /// What an identity provider is called.
  static func provider(_ name: String?) -> String? {
    switch name {
    case ConnectionProfile.okta.rawValue: "Okta"
    case ConnectionProfile.entra.rawValue: "Entra ID"
    case ConnectionProfile.onelogin.rawValue: "OneLogin"
    default: nil
    }
  }
}

extension LiveCheck.Call {
  init(_ entry: LogEntry) {
    guard entry.unverified == nil else {
      what = RequestWords.request(entry, path: "")
      sender = "an unverified sender"
      status = entry.status
      isGood = false
      at = Timestamp.text(entry.at)
      return
    }
    let path = entry.path.dropFirst(ResourcePath.base.count)
    what = "\(entry.method) \(path.isEmpty ? "/" : String(path.prefix(100)))"
    sender = LiveCheck.provider(entry.identityProvider) ?? entry.userAgent.map { String($0.prefix(60)) } ?? "a sender without a name"
    status = entry.status
    isGood = !entry.isFailure
    at = Timestamp.text(entry.at)
  }
}

extension LogEntry {
  /// The profile that `auto` picks for the sender.
  fileprivate var recognisedProvider: String { ConnectionProfile.auto.recognised(userAgent: userAgent).rawValue }
}
