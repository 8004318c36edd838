import Credentials
import Foundation
import Models
import Testing

@Suite("Access tokens")
struct AccessTokenTests {
  private static let workspace = WorkspaceID.made(at: Date(timeIntervalSince1970: 1))

  @Test("A generated token is parsed again, with its workspace")
  func roundTrip() throws {
    let token = AccessToken.made(for: Self.workspace)
    let read = try #require(AccessToken(token.text))
    #expect(read == token)
    #expect(read.workspace == Self.workspace)
    #expect(token.text.hasPrefix("rollcall_"))
  }

  @Test("All tokens are different")
  func uniqueness() {
    #expect(Set((0..<100).map { _ in AccessToken.made(for: Self.workspace).text }).count == 100)
  }

  @Test("A token with one character changed, added or removed is rejected")
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

  @Test("An OAuth client's secret has the same format, and neither is accepted as the other")
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
    "Other text is rejected", arguments: ["", "rollcall_", "rollcall_Zoë", "Bearer x", "rollcall_" + String(repeating: "A", count: 70)])
  func otherText(text: String) {
    #expect(AccessToken(text) == nil)
  }
}

@Suite("Secret digests")
struct SecretDigestTests {
  // FIPS 180-2, appendix B.1.
  @Test("The digest is SHA-256 in lower-case hexadecimal")
  func digest() {
    #expect(SecretDigest.hex(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
