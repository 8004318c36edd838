import Foundation

/// Creates an access token, an OAuth client, a console session, or a link that opens one.
///
/// The secret is never sent: only its SHA-256.
public struct TokenGrant: Sendable, Hashable, Codable {
  /// The id of what is created.
  public var token: TokenID
  /// What is created.
  public var kind: TokenKind
  /// The name that people give it, 1 to 200 characters.
  public var name: String
  /// What it may be used for.
  public var scopes: Set<TokenScope>
  /// The SHA-256 of the token or of the client's secret, as 64 hexadecimal digits.
  public var digest: String
  /// The expiry; `nil`: never.
  public var expiresAt: Date?
  /// The token or link that opens a session; `nil` for a session that a proxy authenticated, and for other kinds.
  public var openedWith: TokenID?

  /// Creates a token grant.
  public init(
    token: TokenID, kind: TokenKind = .token, name: String, scopes: Set<TokenScope>, digest: String, expiresAt: Date?,
    openedWith: TokenID? = nil
  ) {
    self.token = token
    self.kind = kind
    self.name = name
    self.scopes = scopes
    self.digest = digest
    self.expiresAt = expiresAt
    self.openedWith = openedWith
  }

  /// Decodes the JSON form. Older commands have no `kind` and create tokens.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      token: try container.decode(TokenID.self, forKey: .token),
      kind: try container.decodeIfPresent(TokenKind.self, forKey: .kind) ?? .token,
      name: try container.decode(String.self, forKey: .name), scopes: try container.decode(Set<TokenScope>.self, forKey: .scopes),
      digest: try container.decode(String.self, forKey: .digest),
      expiresAt: try container.decodeIfPresent(Date.self, forKey: .expiresAt),
      openedWith: try container.decodeIfPresent(TokenID.self, forKey: .openedWith))
  }
}

/// The kinds of credentials that are stored as tokens.
public enum TokenKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// An access token, an OAuth client, a console session, and a link that opens one session.
  case token, client, session, link
}

/// Revokes an access token, OAuth client, console session or link.
public struct TokenRevocation: Sendable, Hashable, Codable {
  /// What is revoked.
  public var token: TokenID
  /// Creates a revocation.
  public init(token: TokenID) { self.token = token }
}

/// Creates a successor of an access token, with the same name and scopes. The first token stays valid for a while.
public struct TokenRotation: Sendable, Hashable, Codable {
  /// The token that is replaced.
  public var token: TokenID
  /// The id of the new token.
  public var successor: TokenID
  /// The SHA-256 of the new token, as 64 hexadecimal digits.
  public var digest: String
  /// When the first token expires; `nil`: as before.
  public var retiresAt: Date?
  /// When the new token expires; `nil`: never.
  public var expiresAt: Date?

  /// Creates a token rotation.
  public init(token: TokenID, successor: TokenID, digest: String, retiresAt: Date?, expiresAt: Date?) {
    self.token = token
    self.successor = successor
    self.digest = digest
    self.retiresAt = retiresAt
    self.expiresAt = expiresAt
  }
}

/// A new secret for an OAuth client, or for a session of the console.
public struct SecretRotation: Sendable, Hashable, Codable {
  /// The OAuth client or console session.
  public var client: TokenID
  /// The SHA-256 of the secret that is replaced. If it is no longer valid, the command is refused, so that only one of two concurrent
  /// rotations succeeds. `nil`: replaces any secret.
  public var present: String?
  /// The SHA-256 of the new secret, as 64 hexadecimal digits.
  public var digest: String
  /// How long the former secret stays valid; `nil`: not at all.
  public var formerUntil: Date?

  /// Creates a secret rotation.
  public init(client: TokenID, replacing present: String? = nil, digest: String, formerUntil: Date?) {
    self.client = client
    self.present = present
    self.digest = digest
    self.formerUntil = formerUntil
  }
}

/// Usage counts of the tokens and OAuth clients of a workspace, as one scim-api process counted them over some seconds.
public struct TokenUses: Sendable, Hashable, Codable {
  /// The uses, by token and address.
  public var uses: [Use]

  /// Creates a report.
  public init(uses: [Use]) {
    self.uses = uses
  }

  /// The uses of one token from one address.
  public struct Use: Sendable, Hashable, Codable {
    /// The token or OAuth client.
    public var token: TokenID
    /// The IP address of the client; empty beyond ``TokenUses/maximumAddresses``.
    public var address: String
    /// How many requests were authenticated.
    public var count: Int64
    /// The time of the last use. Its day in UTC is the day of the count.
    public var lastUsedAt: Date

    /// Creates a count.
    public init(token: TokenID, address: String, count: Int64, lastUsedAt: Date) {
      self.token = token
      self.address = address
      self.count = count
      self.lastUsedAt = lastUsedAt
    }
  }

  /// The most addresses counted separately for a token and day. Further ones are counted under the empty address.
  public static let maximumAddresses = 50
}

/// What a token may be used for.
public enum TokenScope: String, Sendable, Hashable, Codable, CaseIterable {
  /// SCIM 2.0, as an identity provider.
  case scim
  /// `POST /api/v2/sign-ins`, as the product's sign-in service.
  case signIns = "sign-ins"
  /// The admin console and the management API.
  case admin
  /// The product's directory, read-only.
  case directory
  /// The events API.
  case events

  /// The scopes that a deployment-wide token can have: all but ``scim``, since an identity provider belongs to one workspace.
  public static let deploymentWide: Set<TokenScope> = [.admin, .directory, .signIns, .events]
}
