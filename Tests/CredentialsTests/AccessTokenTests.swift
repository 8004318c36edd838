import Credentials
import Foundation
import Models
import Testing

@Suite("Access tokens")
struct AccessTokenTests {
  private static let workspace = WorkspaceID.made(at: Date(timeIntervalSince1970: 1))

  @Test("A token that was made is read again, with its workspace")
  func roundTrip() throws {
    let token = AccessToken.made(for: Self.workspace)
    let read = try #require(AccessToken(token.text))
    #expect(read == token)
    #expect(read.workspace == Self.workspace)
    #expect(token.text.hasPrefix("rollcall_"))
  }

  @Test("No two tokens are alike")
  func uniqueness() {
    #expect(Set((0..<100).map { _ in AccessToken.made(for: Self.workspace).text }).count == 100)
  }

  @Test("A token with one character changed, added or left out is none")
  func checksum() {
    let text = Array(AccessToken.made(for: Self.workspace).text)
    for index in text.indices {
      var changed = text
      changed[index] = changed[index] == "A" ? "B" : "A"
      #expect(AccessToken(String(changed)) == nil, "with another character at \(index)")
    }
    #expect(AccessToken(String(text.dropLast())) == nil)
    #expect(AccessToken(String(text) + "A") == nil)
  }

  @Test("The secret of an OAuth client is of the same form, and neither is taken for the other")
  func clientSecrets() throws {
    let secret = ClientSecret.made(for: Self.workspace)
    let read = try #require(ClientSecret(secret.text))
    #expect(read == secret)
    #expect(read.workspace == Self.workspace)
    #expect(AccessToken(secret.text) == nil)
    #expect(ClientSecret(AccessToken.made(for: Self.workspace).text) == nil)
    #expect(ClientSecret(String(secret.text.dropLast())) == nil)
  }

  @Test(
    "Other text is no token", arguments: ["", "rollcall_", "rollcall_Zoë", "Bearer x", "rollcall_" + String(repeating: "A", count: 70)])
  func otherText(text: String) {
    #expect(AccessToken(text) == nil)
  }
}
