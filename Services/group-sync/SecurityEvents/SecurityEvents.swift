import Crypto
import Foundation
import JWTKit
import Kafka
import Models
import Primitives

/// Issues security event tokens (RFC 8417) for receipts, signed with ES256.
///
/// Recipients verify them with the public key, which is stored in `directory.signing_keys`.
struct SecurityEvents: Sendable {
  /// The issuer of the tokens (`iss`).
  let issuer: String
  /// The audience of the tokens (`aud`), if any.
  let audience: String?
  /// The public key.
  let key: PublicKey

  private let keys: JWTKeyCollection

  struct PublicKey: Sendable, Equatable {
    /// The thumbprint of the key (RFC 7638).
    var id: String
    /// The key as a JSON Web Key (RFC 7517).
    var jwk: String
  }

  /// Creates an issuer.
  ///
  /// - Parameter pem: A private key of the curve P-256, in PEM.
  /// - Throws: If the key is invalid.
  init(pem: String, issuer: String, audience: String?) async throws {
    let privateKey = try P256.Signing.PrivateKey(pemRepresentation: pem)
    self.issuer = issuer
    self.audience = audience
    key = PublicKey(privateKey.publicKey)
    keys = await JWTKeyCollection().add(ecdsa: try ES256PrivateKey(backing: privateKey), kid: JWKIdentifier(string: key.id))
  }

  /// The token for `receipt`, in the compact serialisation.
  func token(for receipt: DeprovisionReceipt, at now: Date) async throws -> String {
    try await keys.sign(
      SecurityEventToken(receipt, issuer: issuer, audience: audience, at: now), kid: JWKIdentifier(string: key.id),
      header: ["typ": "secevent+jwt"])
  }

  /// The message with the token.
  func message(for receipt: DeprovisionReceipt, source: String) async throws -> OutgoingMessage {
    let now = Date.now
    let event = CloudEvent(
      id: receipt.id.description, source: source, type: "rollcall.security-event.v1", subject: receipt.member.description, time: now,
      extensions: ["workspaceid": receipt.workspace.description], data: Array(try await token(for: receipt, at: now).utf8))
    let headers = event.headers.map { $0.name == "content-type" ? ($0.name, "application/secevent+jwt") : $0 }
    return OutgoingMessage(
      topic: Topic.securityEvents.name, key: Array(receipt.workspace.description.utf8), headers: headers, value: event.data)
  }
}

extension SecurityEvents.PublicKey {
  init(_ key: P256.Signing.PublicKey) {
    let coordinates = key.rawRepresentation
    let (x, y) = (Base64URL.encode(coordinates.prefix(32)), Base64URL.encode(coordinates.suffix(32)))
    // The members that identify the key, sorted and without spaces (RFC 7638 §3).
    let thumbprint = SHA256.hash(data: Data(#"{"crv":"P-256","kty":"EC","x":"\#(x)","y":"\#(y)"}"#.utf8))
    id = Base64URL.encode(thumbprint)
    jwk = #"{"alg":"ES256","crv":"P-256","kid":"\#(id)","kty":"EC","use":"sig","x":"\#(x)","y":"\#(y)"}"#
  }
}
