import Foundation
import Primitives

/// A mail domain of a workspace: people with addresses in it belong to the customer, once it is verified.
///
/// Exactly this domain counts, not its subdomains, which may belong to others. A domain is verified in at most one workspace of the deployment.
public struct MailDomain: Sendable, Hashable, Codable {
  /// The domain in lower case, in its ASCII form.
  public var domain: String
  /// How the domain is verified.
  public var verification: Verification
  /// When the domain was verified; `nil`: not yet.
  public var verifiedAt: Date?

  /// Creates a mail domain.
  public init(domain: String, verification: Verification, verifiedAt: Date? = nil) {
    self.domain = domain
    self.verification = verification
    self.verifiedAt = verifiedAt
  }

  /// How a domain is verified.
  public enum Verification: Sendable, Hashable {
    /// By a TXT record with this token.
    case dns(token: String)
    /// The operator of the product asserts that the domain belongs to the customer.
    case `operator`
  }

  /// The name of the TXT record.
  public var recordName: String { Self.recordPrefix + domain }
  /// The text of the TXT record; `nil` if the operator asserts the domain.
  public var recordText: String? {
    if case .dns(let token) = verification { Self.recordTextPrefix + token } else { nil }
  }

  private static let recordPrefix = "_rollcall-challenge."
  private static let recordTextPrefix = "rollcall-verification="
  /// The most mail domains of a workspace.
  public static let maximumCount = 100
}

extension MailDomain.Verification: Codable {
  private enum CodingKeys: String, CodingKey { case method, token }

  private enum Method: String, Codable {
    case dns
    case `operator`
  }

  /// Decodes an object with `method` and, for `dns`, `token`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Method.self, forKey: .method) {
    case .dns: self = .dns(token: try container.decode(String.self, forKey: .token))
    case .operator: self = .operator
    }
  }

  /// Encodes an object with `method` and, for `dns`, `token`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .dns(let token):
      try container.encode(Method.dns, forKey: .method)
      try container.encode(token, forKey: .token)
    case .operator: try container.encode(Method.operator, forKey: .method)
    }
  }
}

/// Adds, verifies or removes a mail domain of a workspace.
public struct MailDomainChange: Sendable, Hashable, Codable {
  /// The domain in lower case, in its ASCII form.
  public var domain: String
  /// The change.
  public var action: Action
  /// The token of the TXT record: the new one for ``Action/add``, the one that DNS has for ``Action/verify``.
  public var token: String?

  /// Creates a change.
  public init(domain: String, action: Action, token: String? = nil) {
    self.domain = domain
    self.action = action
    self.token = token
  }

  /// The change.
  public enum Action: String, Sendable, Hashable, Codable, CaseIterable {
    /// Adds the domain, to be verified by DNS. A domain that exists keeps its token.
    case add
    /// Marks the domain as verified: the sender has found the TXT record.
    case verify
    /// Adds the domain, or marks it as verified, because the operator asserts it.
    case assert
    /// Removes the domain.
    case remove
  }
}

/// What happens to users whose address is in no verified domain of the workspace.
public enum OtherDomains: String, Sendable, Hashable, Codable, CaseIterable {
  /// They are invited like anybody else.
  case allow
  /// They wait for the approval of an admin: a new user stays disabled, and a changed address is not applied.
  case hold
  /// The request is refused with 400.
  case reject
}

/// How users whom the identity provider pushes are linked to accounts that the product imported.
public enum AccountLinking: String, Sendable, Hashable, Codable, CaseIterable {
  /// By the address, if its domain is a verified domain of the workspace.
  case verifiedAddress = "verified-address"
  /// By the `externalId`, if it is the external id or the account id of an imported account.
  case externalID = "external-id"
  /// The user stays disabled until an admin decides about the account that has the address or the `externalId`.
  case ask
  /// The request is refused with 409 if an imported account has the address or the `externalId`.
  case reject
}

extension WorkspaceSettings {
  /// The verified mail domains, sorted.
  public var verifiedDomains: [String] { mailDomains.filter { $0.verifiedAt != nil }.map(\.domain).sorted() }

  /// Whether an address is in a verified domain of the workspace.
  public func isVerified(address: String) -> Bool {
    let key = ComparisonKey(address).text
    guard let at = key.lastIndex(of: "@"), let domain = HostName(key[key.index(after: at)...]) else { return false }
    return mailDomains.contains { $0.verifiedAt != nil && $0.domain == domain.text }
  }
}
