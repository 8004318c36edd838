import Credentials
import Foundation
import Models
import Testing

@Suite("Console secrets")
struct SessionSecretTests {
  private static let workspace = WorkspaceID.made(at: Date(timeIntervalSince1970: 1))

  @Test("A session secret is parsed again, with its workspace, and a truncated one is rejected")
  func roundTrip() throws {
    let secret = SessionSecret.made(for: Self.workspace)
    let read = try #require(SessionSecret(secret.text))
    #expect(read == secret && read.workspace == Self.workspace && read.seed == secret.seed)
    #expect(secret.text.hasPrefix("rollcall_session_"))
    #expect(SessionSecret(String(secret.text.dropLast())) == nil)
    // One is not accepted as the other.
    #expect(AccessToken(secret.text) == nil && LinkKey(secret.text) == nil)
  }

  @Test("A rotated secret has the same seed, and all rotations are different")
  func rotation() throws {
    let secret = SessionSecret.made(for: Self.workspace)
    let rotated = (0..<100).map { _ in secret.rotated() }
    #expect(Set(rotated.map(\.text)).count == 100 && !rotated.contains(secret))
    for next in rotated {
      #expect(next.seed == secret.seed && next.workspace == Self.workspace)
      #expect(SessionSecret(next.text) == next)
    }
    #expect(SessionSecret.made(for: Self.workspace).seed != secret.seed)
  }

  @Test("A link key is parsed again, and is not accepted as a token")
  func link() throws {
    let key = LinkKey.made(for: Self.workspace)
    #expect(try #require(LinkKey(key.text)) == key)
    #expect(key.text.hasPrefix("rollcall_link_") && AccessToken(key.text) == nil && SessionSecret(key.text) == nil)
  }
}
