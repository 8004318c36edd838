import Foundation
import Models
import SCIM

// Sessions of the admin console, and the links that open one.
extension Decider {
  /// How long a session of the console lasts at most, in seconds.
  static let maximumSession: TimeInterval = 12 * 3600
  /// How long a link into the console waits at most to be used, in seconds.
  static let maximumLink: TimeInterval = 24 * 3600

  /// Checks that what `grant` is about may be made, and ends a link that opens a session: both in the one transaction, so that a link
  /// opens one session, whoever else has it at the same moment.
  ///
  /// - Returns: until when it is good.
  mutating func openConsole(_ command: Command, _ grant: TokenGrant) throws(SCIMError) -> Date? {
    switch grant.kind {
    case .token, .client:
      guard grant.openedWith == nil else {
        throw .badRequest(.invalidValue, "Only a session is opened with something, not \(grant.kind.phrase).")
      }
      return grant.expiresAt
    case .link:
      guard grant.openedWith == nil, grant.scopes == [.admin], let expiresAt = grant.expiresAt, expiresAt <= now + Self.maximumLink else {
        throw .badRequest(.invalidValue, "A link into the console has the scope admin alone, and ends within a day.")
      }
      return expiresAt
    case .session:
      guard grant.scopes == [.admin], let expiresAt = grant.expiresAt else {
        throw .badRequest(.invalidValue, "A session of the console has the scope admin alone, and an end.")
      }
      var end = min(expiresAt, now + Self.maximumSession)
      guard let id = grant.openedWith else { return end }
      var opener = try opener(id, of: command)
      if opener.kind == .link {
        opener.revokedAt = now
        state.write(opener)
      } else if let last = opener.expiresAt {
        end = min(end, last)
      }
      return end
    }
  }

  /// An admin token or a link that lets somebody in.
  private func opener(_ id: TokenID, of command: Command) throws(SCIMError) -> TokenRecord {
    let opener = try token(id, of: command)
    guard [.token, .link].contains(opener.kind), opener.scopes.contains(.admin) else {
      throw .forbidden("'\(opener.name)' opens no session of the console: a token with the scope admin, or a link, does.")
    }
    guard opener.isGood(at: now) else {
      switch (opener.kind, opener.revokedAt) {
      case (.link, .some):
        throw .forbidden("This link has been used already, or was taken back. Each opens one session. Ask for a new one.")
      case (.link, nil): throw .forbidden("This link has expired. Ask for a new one.")
      case (_, .some): throw .forbidden("The access token '\(opener.name)' was revoked. Sign in with another one.")
      case (_, nil): throw .forbidden("The access token '\(opener.name)' has expired. Sign in with another one.")
      }
    }
    return opener
  }
}

extension TokenRecord {
  /// Whether this SHA-256 is that of its secret, or of the one before while that is good.
  func hasSecret(_ digest: [UInt8], at now: Date) -> Bool {
    digest == self.digest || former.map { $0.digest == digest && now < $0.until } ?? false
  }
}

extension SCIMError {
  fileprivate static func forbidden(_ detail: String) -> SCIMError { SCIMError(status: 403, scimType: nil, detail: detail) }
}
