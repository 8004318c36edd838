import Crypto
import Foundation
import JWTKit
import Kafka
import Models

/// Makes the security event tokens (RFC 8417) that go with receipts, signed with ES256.
///
/// Whoever has the public key, which is in `directory.signing_keys`, can tell that they come from here.
struct SecurityEvents: Sendable {
  /// What the tokens name as their issuer.
  let issuer: String
  /// Whom they are for; nil for whoever reads them.
  let audience: String?
  /// The public key: a JSON Web Key (RFC 7517).
  let key: PublicKey

  private let keys: JWTKeyCollection

  struct PublicKey: Sendable, Equatable {
    /// The key's thumbprint (RFC 7638).
    var id: String
    var jwk: String
  }

  /// - Parameter pem: A private key of the curve P-256, in PEM.
  /// - Throws: Where it is none.
  init(pem: String, issuer: String, audience: String?) async throws {
    let privateKey = try P256.Signing.PrivateKey(pemRepresentation: pem)
    self.issuer = issuer
    self.audience = audience
    key = PublicKey(privateKey.publicKey)
    keys = await JWTKeyCollection().add(ecdsa: try ES256PrivateKey(backing: privateKey), kid: JWKIdentifier(string: key.id))
  }

  /// The token about `receipt`, in compact form.
  func token(for receipt: DeprovisionReceipt, at now: Date) async throws -> String {
    try await keys.sign(
      SecurityEventToken(receipt, issuer: issuer, audience: audience, at: now), kid: JWKIdentifier(string: key.id),
      header: ["typ": "secevent+jwt"])
  }

  /// The message with the token, keyed by the person.
  func message(for receipt: DeprovisionReceipt, source: String) async throws -> OutgoingMessage {
    let now = Date.now
    let event = CloudEvent(
      id: receipt.id.description, source: source, type: "rollcall.security-event.v1", subject: receipt.member.description, time: now,
      extensions: ["workspaceid": receipt.workspace.description], data: Array(try await token(for: receipt, at: now).utf8))
    let headers = event.headers.map { $0.name == "content-type" ? ($0.name, "application/secevent+jwt") : $0 }
    return OutgoingMessage(topic: Topic.securityEvents.name, key: Array(event.subject.utf8), headers: headers, value: event.data)
  }
}

extension SecurityEvents.PublicKey {
  init(_ key: P256.Signing.PublicKey) {
    let coordinates = key.rawRepresentation
    let (x, y) = (coordinates.prefix(32).base64URL, coordinates.suffix(32).base64URL)
    // The members that identify the key, sorted and without spaces (RFC 7638 §3).
    let thumbprint = SHA256.hash(data: Data(#"{"crv":"P-256","kty":"EC","x":"\#(x)","y":"\#(y)"}"#.utf8))
    id = Data(thumbprint).base64URL
    jwk = #"{"alg":"ES256","crv":"P-256","kid":"\#(id)","kty":"EC","use":"sig","x":"\#(x)","y":"\#(y)"}"#
  }
}

extension Data {
  /// RFC 4648 §5, without padding.
  fileprivate var base64URL: String {
    base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}
