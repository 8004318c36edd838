import Foundation
import Models
import SCIM

// Admin console sessions, and the links that open one.
extension Decider {
  /// The maximum lifetime of a console session, in seconds.
  static let maximumSessionLifetime: TimeInterval = 12 * 3600
  /// The maximum lifetime of a console link, in seconds.
  static let maximumLinkLifetime: TimeInterval = 24 * 3600

  /// Validates a grant, and revokes a link that opens a session. Both happen in one transaction, so a link opens only one session.
  ///
  /// - Returns: The expiry of the token; `nil` if it never expires.
  mutating func openConsole(_ command: Command, _ grant: TokenGrant) throws(SCIMError) -> Date? {
    switch grant.kind {
    case .token, .client:
      guard grant.openedWith == nil else {
        throw .badRequest(.invalidValue, "Only a session is opened with a token or link, not \(grant.kind.phrase).")
      }
      return grant.expiresAt
    case .link:
      guard grant.openedWith == nil, grant.scopes == [.admin], let expiresAt = grant.expiresAt, expiresAt <= now + Self.maximumLinkLifetime
      else {
        throw .badRequest(.invalidValue, "A console link has the scope admin only, and expires within a day.")
      }
      return expiresAt
    case .session:
      guard grant.scopes == [.admin], let expiresAt = grant.expiresAt else {
        throw .badRequest(.invalidValue, "A console session has the scope admin only, and an expiry.")
      }
      var end = min(expiresAt, now + Self.maximumSessionLifetime)
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

  /// The valid admin token or link that opens a session.
  ///
  /// - Throws: 403 that says why it cannot open one.
  private func opener(_ id: TokenID, of command: Command) throws(SCIMError) -> TokenRecord {
    let opener = try token(id, of: command)
    guard [.token, .link].contains(opener.kind), opener.scopes.contains(.admin) else {
      throw .forbidden("'\(opener.name)' cannot open a console session: use a token with the scope admin, or a link.")
    }
    guard opener.isValid(at: now) else {
      switch (opener.kind, opener.revokedAt) {
      case (.link, .some):
        throw .forbidden("This link was used already, or was revoked. Each link works once. Ask for a new one.")
      case (.link, nil): throw .forbidden("This link has expired. Ask for a new one.")
      case (_, .some): throw .forbidden("The access token '\(opener.name)' was revoked. Sign in with another one.")
      case (_, nil): throw .forbidden("The access token '\(opener.name)' has expired. Sign in with another one.")
      }
    }
    return opener
  }
}

extension TokenRecord {
  /// Whether `digest` is that of the secret, or of the former secret while it is valid.
  func hasSecret(_ digest: [UInt8], at now: Date) -> Bool {
    digest == self.digest || former.map { $0.digest == digest && now < $0.until } ?? false
  }
}

extension SCIMError {
  fileprivate static func forbidden(_ detail: String) -> SCIMError { SCIMError(status: 403, scimType: nil, detail: detail) }
}
