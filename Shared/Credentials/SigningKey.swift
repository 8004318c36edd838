import Crypto
import Foundation
import Models
import Primitives

extension IdentifierSubject {
  /// The tag of ``SigningKeyID``.
  public enum SigningKey {}
}

/// The id of a signing key, and the `kid` of the tokens that it signs (RFC 7515 §4.1.4).
public typealias SigningKeyID = Identifier<IdentifierSubject.SigningKey>

/// A P-256 key pair that signs access tokens (ES256, RFC 7518 §3.4).
///
/// The public key is published before it signs, so every verifier has it by then, and until its last token has expired.
public struct SigningKey: Sendable, Hashable {
  /// The key id.
  public var id: SigningKeyID
  /// The public key as a JSON Web Key (RFC 7517), serialised.
  public var publicKey: String
  /// The private key, encrypted by ``KeySeal``.
  public var sealedPrivateKey: [UInt8]
  /// When the key signs and is published.
  public var term: Term

  /// Creates a key from stored values.
  public init(id: SigningKeyID, publicKey: String, sealedPrivateKey: [UInt8], term: Term) {
    self.id = id
    self.publicKey = publicKey
    self.sealedPrivateKey = sealedPrivateKey
    self.term = term
  }

  /// Generates a key pair and encrypts its private key.
  ///
  /// - Throws: `CryptoKitError` if the encryption fails.
  public init(id: SigningKeyID, term: Term, seal: KeySeal) throws {
    let key = P256.Signing.PrivateKey()
    self.init(
      id: id, publicKey: Self.webKey(key.publicKey, id: id), sealedPrivateKey: try seal.seal(key, id: id), term: term)
  }

  /// The periods in which a key signs and is published.
  public struct Term: Sendable, Hashable {
    /// When the key is created and published.
    public var createdAt: Date
    /// When it starts to sign.
    public var signsAt: Date
    /// When it stops signing.
    public var retiresAt: Date
    /// When its last token has expired, and it is no longer published.
    public var expiresAt: Date

    /// Creates a term.
    public init(createdAt: Date, signsAt: Date, retiresAt: Date, expiresAt: Date) {
      self.createdAt = createdAt
      self.signsAt = signsAt
      self.retiresAt = retiresAt
      self.expiresAt = expiresAt
    }

    /// Whether the key signs tokens at `now`.
    public func signs(at now: Date) -> Bool { signsAt <= now && now < retiresAt }
    /// Whether the public key is published at `now`.
    public func isPublished(at now: Date) -> Bool { now < expiresAt }
  }

  /// The JSON Web Key of `key`: its point as two coordinates of 32 bytes each (RFC 7518 §6.2.1).
  private static func webKey(_ key: P256.Signing.PublicKey, id: SigningKeyID) -> String {
    let point = key.rawRepresentation
    let (x, y) = (Base64URL.encode(point.prefix(32)), Base64URL.encode(point.suffix(32)))
    return #"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)","use":"sig","alg":"ES256","kid":"\#(id)"}"#
  }
}
