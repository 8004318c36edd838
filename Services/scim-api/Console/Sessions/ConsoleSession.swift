import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives

/// The session of an admin who is signed in to the console.
struct ConsoleSession: Sendable {
  /// The identity that commands are sent with.
  var caller: Caller
  /// The name of the person, or of the token or link they signed in with.
  var name: String
  /// The token or link that opened the session; nil if a trusted proxy authenticated the person.
  var openedWith: TokenID?
  private let key: SymmetricKey

  /// - Parameter seed: the part of the secret that stays the same when the secret is rotated, so that forms of open pages stay valid.
  ///   Only the browser of the session knows it.
  init(caller: Caller, name: String, seed: [UInt8], openedWith: TokenID? = nil) {
    self.caller = caller
    self.name = name
    self.openedWith = openedWith
    key = SymmetricKey(data: SHA256.hash(data: Data("rollcall console\n".utf8) + Data(seed)))
  }

  /// The token in every form of the session's pages. It prevents cross-site request forgery.
  var formToken: String { tag(of: "form") }

  /// A message authentication code of `text` with the session's key, in base64url.
  func tag(of text: String) -> String { Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))) }

  /// Whether `tag` is the code of `text`. Compares in constant time.
  func isTag(_ tag: String, of text: String) -> Bool {
    guard let bytes = Base64URL.decode(tag.utf8) else { return false }
    return HMAC<SHA256>.isValidAuthenticationCode(bytes, authenticating: Data(text.utf8), using: key)
  }
}
