import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives

/// An admin who has signed in to the console.
struct ConsoleSession: Sendable {
  /// In whose name commands are sent.
  var caller: Caller
  /// What the person, or what they signed in with, is called.
  var name: String
  /// The token or link that it was opened with; nil where a proxy has vouched for the person.
  var openedWith: TokenID?
  private let key: SymmetricKey

  /// - Parameter seed: what the session's own browser alone knows, and what stays when its secret changes: a page that was opened before is of
  ///   the session after.
  init(caller: Caller, name: String, seed: [UInt8], openedWith: TokenID? = nil) {
    self.caller = caller
    self.name = name
    self.openedWith = openedWith
    key = SymmetricKey(data: SHA256.hash(data: Data("rollcall console\n".utf8) + Data(seed)))
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
