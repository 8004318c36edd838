import Crypto
import Foundation
import Models

/// Seals private keys for storage, under a key derived from a secret that only the services know: who reads the database alone can sign
/// nothing.
public struct KeySeal: Sendable {
  private let key: SymmetricKey

  /// The shortest secret that is taken, in characters.
  public static let minimumSecret = 16

  /// - Parameter secret: the same in every process.
  /// - Returns: nil where it is too short.
  public init?(secret: String) {
    guard secret.count >= Self.minimumSecret else { return nil }
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: Data(secret.utf8)), info: Data("rollcall signing keys 1".utf8), outputByteCount: 32)
  }

  /// AES-GCM with the id as additional data, so that one key's seal is none of another's.
  public func seal(_ privateKey: P256.Signing.PrivateKey, id: SigningKeyID) throws -> [UInt8] {
    let box = try AES.GCM.seal(privateKey.rawRepresentation, using: key, authenticating: Data(id.bytes))
    guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
    return Array(combined)
  }

  /// - Throws: where it was sealed with another secret, or is damaged.
  public func open(_ sealed: [UInt8], id: SigningKeyID) throws -> P256.Signing.PrivateKey {
    let raw = try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Data(id.bytes))
    return try P256.Signing.PrivateKey(rawRepresentation: raw)
  }
}
