import Crypto
import Foundation
import Models

/// Encrypts private signing keys for storage.
///
/// The encryption key is derived (HKDF) from a secret that only the services have, so read access to the database is not enough to sign
/// tokens.
public struct KeySeal: Sendable {
  private let key: SymmetricKey

  /// The minimum length of the secret, in characters.
  public static let minimumSecret = 16

  /// Derives the encryption key from `secret`, which must be the same in every process; nil if it is shorter than ``minimumSecret``.
  public init?(secret: String) {
    guard secret.count >= Self.minimumSecret else { return nil }
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: Data(secret.utf8)), info: Data("rollcall signing keys 1".utf8), outputByteCount: 32)
  }

  /// Encrypts `privateKey` with AES-GCM.
  ///
  /// The key id is authenticated as additional data, so the ciphertext of one key is not accepted for another.
  public func seal(_ privateKey: P256.Signing.PrivateKey, id: SigningKeyID) throws -> [UInt8] {
    let box = try AES.GCM.seal(privateKey.rawRepresentation, using: key, authenticating: Data(id.bytes))
    guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
    return Array(combined)
  }

  /// Decrypts what ``seal(_:id:)`` returned.
  ///
  /// - Throws: `CryptoKitError` if another secret or id was used, or the ciphertext is damaged.
  public func open(_ sealed: [UInt8], id: SigningKeyID) throws -> P256.Signing.PrivateKey {
    let raw = try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Data(id.bytes))
    return try P256.Signing.PrivateKey(rawRepresentation: raw)
  }
}
