import Crypto
import Foundation
import Models

/// An admin who has signed in to the console.
struct ConsoleSession: Sendable {
  /// In whose name commands are sent.
  var caller: Caller
  /// What the person, or what they signed in with, is called.
  var name: String
  private let key: SymmetricKey

  /// - Parameter secret: the cookie's value, which the session's own browser alone knows.
  init(caller: Caller, name: String, secret: String) {
    self.caller = caller
    self.name = name
    key = SymmetricKey(data: SHA256.hash(data: Data("rollcall console\n\(secret)".utf8)))
  }

  /// What every form of the session's pages carries: another site can have a browser send a form, and cannot know this.
  var formToken: String { tag(of: "form") }

  /// Tells that `text` is of this session; as text in base64url.
  func tag(of text: String) -> String { Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))) }

  /// Takes the same time wherever `tag` differs.
  func isTag(_ tag: String, of text: String) -> Bool {
    guard let bytes = Base64URL.decode(tag.utf8) else { return false }
    return HMAC<SHA256>.isValidAuthenticationCode(bytes, authenticating: Data(text.utf8), using: key)
  }
}
