import Foundation

/// A new API access token, OAuth client, session of the console or link into it. The secret itself never travels: only its SHA-256.
public struct TokenGrant: Sendable, Hashable, Codable {
  public var token: TokenID
  public var kind: TokenKind
  public var name: String
  public var scopes: Set<TokenScope>
  /// SHA-256 of the whole text of the token or of the client's secret, 64 hexadecimal digits.
  public var digest: String
  /// nil: does not expire.
  public var expiresAt: Date?
  /// The token or link that opens a session; nil for one that a proxy vouches for, and for what is no session.
  public var openedWith: TokenID?

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

  /// What was granted before there were OAuth clients is a token.
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

/// What lets a caller in: its own text, or what an OAuth client gets for its id and secret; a session of the console, or a link that opens
/// one, once.
public enum TokenKind: String, Sendable, Hashable, Codable, CaseIterable {
  case token, client, session, link
}

/// The end of a token or of an OAuth client.
public struct TokenRevocation: Sendable, Hashable, Codable {
  public var token: TokenID
  public init(token: TokenID) { self.token = token }
}

/// A second token of the same name and scopes, to take the place of the first, which stays good beside it for a while.
public struct TokenRotation: Sendable, Hashable, Codable {
  public var token: TokenID
  public var successor: TokenID
  /// SHA-256 of the successor's text, 64 hexadecimal digits.
  public var digest: String
  /// When the first token is good no more; nil: until it is revoked, or expires by itself.
  public var retiresAt: Date?
  /// nil: the successor does not expire.
  public var expiresAt: Date?

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
  public var client: TokenID
  /// SHA-256 of the secret that the new one takes the place of: where it is good no more, nothing is changed, so that of two that are asked
  /// for at once one alone is made. nil: whatever it is.
  public var present: String?
  /// SHA-256 of the new secret's text, 64 hexadecimal digits.
  public var digest: String
  /// Until when the secret before it is good, too; nil: it is good no more.
  public var formerUntil: Date?

  public init(client: TokenID, replacing present: String? = nil, digest: String, formerUntil: Date?) {
    self.client = client
    self.present = present
    self.digest = digest
    self.formerUntil = formerUntil
  }
}

/// From where tokens and OAuth clients of one workspace were used, as an edge counted it over some seconds.
public struct TokenUses: Sendable, Hashable, Codable {
  public var uses: [Use]

  public init(uses: [Use]) {
    self.uses = uses
  }

  public struct Use: Sendable, Hashable, Codable {
    public var token: TokenID
    /// The client's IP address; empty for those beyond as many as are told apart.
    public var address: String
    public var count: Int64
    /// The last of them; its day, in UTC, is the day that they are counted under.
    public var lastUsedAt: Date

    public init(token: TokenID, address: String, count: Int64, lastUsedAt: Date) {
      self.token = token
      self.address = address
      self.count = count
      self.lastUsedAt = lastUsedAt
    }
  }

  /// How many addresses of a token are told apart on a day; those beyond are counted together, under the empty one.
  public static let maximumAddresses = 50
}

/// What a token may be used for.
public enum TokenScope: String, Sendable, Hashable, Codable, CaseIterable {
  /// SCIM 2.0, as an identity provider.
  case scim
  /// `POST /api/v2/sign-ins`, as the product's sign-in service.
  case signIns = "sign-ins"
  /// The admin console.
  case admin
  /// The product's directory, read-only.
  case directory
}
