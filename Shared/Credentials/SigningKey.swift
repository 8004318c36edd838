import Crypto
import Foundation
import Models
import Primitives

extension IdentifierSubject {
  public enum SigningKey {}
}

/// Also the `kid` of what the key signs (RFC 7515 §4.1.4).
public typealias SigningKeyID = Identifier<IdentifierSubject.SigningKey>

/// A pair of keys of the curve P-256 that access tokens are signed with (ES256, RFC 7518 §3.4).
///
/// It is published before it signs, so that everyone knows it by then, and stays published until what it signed last has expired.
public struct SigningKey: Sendable, Hashable {
  public var id: SigningKeyID
  /// A JSON Web Key (RFC 7517), ready to be sent.
  public var publicKey: String
  /// See ``KeySeal``.
  public var sealedPrivateKey: [UInt8]
  public var term: Term

  public init(id: SigningKeyID, publicKey: String, sealedPrivateKey: [UInt8], term: Term) {
    self.id = id
    self.publicKey = publicKey
    self.sealedPrivateKey = sealedPrivateKey
    self.term = term
  }

  /// A new key.
  public init(id: SigningKeyID, term: Term, seal: KeySeal) throws {
    let key = P256.Signing.PrivateKey()
    self.init(
      id: id, publicKey: Self.webKey(key.publicKey, id: id), sealedPrivateKey: try seal.seal(key, id: id), term: term)
  }

  /// What a key is good for when.
  public struct Term: Sendable, Hashable {
    public var createdAt: Date
    public var signsAt: Date
    /// It signs no more.
    public var retiresAt: Date
    /// Nothing that it signed is good any more.
    public var expiresAt: Date

    public init(createdAt: Date, signsAt: Date, retiresAt: Date, expiresAt: Date) {
      self.createdAt = createdAt
      self.signsAt = signsAt
      self.retiresAt = retiresAt
      self.expiresAt = expiresAt
    }

    public func signs(at now: Date) -> Bool { signsAt <= now && now < retiresAt }
    public func isPublished(at now: Date) -> Bool { now < expiresAt }
  }

  /// RFC 7518 §6.2.1: the coordinates of the point, of 32 bytes each.
  private static func webKey(_ key: P256.Signing.PublicKey, id: SigningKeyID) -> String {
    let point = Array(key.rawRepresentation)
    let (x, y) = (Base64URL.encode(Array(point.prefix(32))), Base64URL.encode(Array(point.suffix(32))))
    return #"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)","use":"sig","alg":"ES256","kid":"\#(id)"}"#
  }
}
