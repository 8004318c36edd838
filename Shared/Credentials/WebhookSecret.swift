import Crypto
import Foundation
import Models

/// The secret that signs webhooks: `whsec_`, then 24 to 64 bytes in base64, as Standard Webhooks describes it.
///
/// The product verifies the signatures with it. It is stored sealed; see ``WebhookSeal``.
public struct WebhookSecret: Sendable, Hashable {
  /// What every secret starts with.
  public static let prefix = "whsec_"
  /// The length of the key, in bytes.
  public static let sizes = 24...64

  /// The key of the signatures.
  let key: [UInt8]

  /// The complete text, as the product configures it.
  public var text: String { Self.prefix + Data(key).base64EncodedString() }

  /// Parses a secret; `nil` if it is not `whsec_` and 24 to 64 bytes in base64 (RFC 4648 §4).
  public init?(_ text: String) {
    guard text.utf8.starts(with: Self.prefix.utf8), let key = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))) else {
      return nil
    }
    self.init(key: [UInt8](key))
  }

  /// A secret with this key; `nil` if the length is not in ``sizes``.
  init?(key: [UInt8]) {
    guard Self.sizes.contains(key.count) else { return nil }
    self.key = key
  }

  fileprivate init(generatedKey key: [UInt8]) { self.key = key }

  /// Generates a secret of 32 bytes with the system random number generator.
  public static func made() -> WebhookSecret {
    var generator = SystemRandomNumberGenerator()
    return WebhookSecret(generatedKey: SecretFormat.random(using: &generator))
  }

  /// The signature of a message: `v1,` and the HMAC-SHA256 of id, timestamp and body in base64.
  ///
  /// - Parameters:
  ///   - id: The header `webhook-id`.
  ///   - timestamp: The header `webhook-timestamp`, in seconds since 1970.
  public func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
    var authentication = HMAC<SHA256>(key: SymmetricKey(data: key))
    authentication.update(data: Data("\(id).\(timestamp).".utf8))
    authentication.update(data: body)
    return "v1," + Data(authentication.finalize()).base64EncodedString()
  }
}

extension WebhookSecret: CustomStringConvertible {
  /// Does not contain the secret, so that no log does.
  public var description: String { "\(Self.prefix)…" }
}

/// The header `webhook-signature`.
public enum WebhookSignature {
  /// The signatures of a message with each of the secrets, separated by spaces: two while a secret is being rotated, so that a product that has
  /// only one of them accepts the message.
  public static func header(id: String, timestamp: Int64, body: [UInt8], secrets: [WebhookSecret]) -> String {
    secrets.map { $0.signature(id: id, timestamp: timestamp, body: body) }.joined(separator: " ")
  }
}

/// Encrypts the secrets of webhooks for storage and messages.
///
/// The encryption key is derived (HKDF) from a secret that only scim-api, which seals, and group-sync, which opens, have. So read access to
/// the database or to Kafka is not enough to forge webhooks.
public struct WebhookSeal: Sendable {
  private let key: SymmetricKey

  /// The minimum length of the secret, in characters.
  public static let minimumSecret = KeySeal.minimumSecret

  /// Derives the encryption key from `secret`, which must be the same in every process; `nil` if it is shorter than ``minimumSecret``.
  public init?(secret: String) {
    guard secret.count >= Self.minimumSecret else { return nil }
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: Data(secret.utf8)), info: Data("rollcall webhook secrets 1".utf8), outputByteCount: 32)
  }

  /// A secret of 32 bytes that only who has this key can derive from `seed`: for a request that is repeated, and must return the same secret.
  public func secret(derivedFrom seed: [UInt8]) -> WebhookSecret {
    WebhookSecret(
      generatedKey: Array(HMAC<SHA256>.authenticationCode(for: Data("rollcall webhook secret\n".utf8) + Data(seed), using: key)))
  }

  /// Encrypts `secret` with AES-GCM.
  ///
  /// The id of the endpoint is authenticated as additional data, so the ciphertext of one endpoint is not accepted for another.
  public func seal(_ secret: WebhookSecret, for webhook: WebhookID) throws -> [UInt8] {
    let box = try AES.GCM.seal(secret.key, using: key, authenticating: Data(webhook.bytes))
    guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
    return Array(combined)
  }

  /// Decrypts what ``seal(_:for:)`` returned.
  ///
  /// - Throws: `CryptoKitError` if another key or endpoint was used, or the ciphertext is damaged.
  public func open(_ sealed: [UInt8], for webhook: WebhookID) throws -> WebhookSecret {
    let opened = try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Data(webhook.bytes))
    guard let secret = WebhookSecret(key: [UInt8](opened)) else { throw CryptoKitError.incorrectKeySize }
    return secret
  }

  /// The secrets that sign at `now`: the current one, and the former one until its time is over.
  ///
  /// - Throws: As ``open(_:for:)``.
  public func secrets(of endpoint: WebhookEndpoint, at now: Date) throws -> [WebhookSecret] {
    var secrets = [try open(endpoint.sealedSecret, for: endpoint.id)]
    if let former = endpoint.formerSealedSecret, let until = endpoint.formerSecretUntil, now < until {
      secrets.append(try open(former, for: endpoint.id))
    }
    return secrets
  }
}
