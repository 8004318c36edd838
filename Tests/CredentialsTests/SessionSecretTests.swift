import Credentials
import Foundation
import Models
import Testing

@Suite("Secrets of the console")
struct SessionSecretTests {
  private static let workspace = WorkspaceID.made(at: Date(timeIntervalSince1970: 1))

  @Test("A session's secret is read again, with its workspace, and a cut one is none")
  func roundTrip() throws {
    let secret = SessionSecret.made(for: Self.workspace)
    let read = try #require(SessionSecret(secret.text))
    #expect(read == secret && read.workspace == Self.workspace && read.seed == secret.seed)
    #expect(secret.text.hasPrefix("rollcall_session_"))
    #expect(SessionSecret(String(secret.text.dropLast())) == nil)
    // One is not taken for the other.
    #expect(AccessToken(secret.text) == nil && LinkKey(secret.text) == nil)
  }

  @Test("A rotated secret is another with the same seed, and of two rotations none is like the other")
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

  @Test("A link's key is read again, and is no token")
  func link() throws {
    let key = LinkKey.made(for: Self.workspace)
    #expect(try #require(LinkKey(key.text)) == key)
    #expect(key.text.hasPrefix("rollcall_link_") && AccessToken(key.text) == nil && SessionSecret(key.text) == nil)
  }
}
