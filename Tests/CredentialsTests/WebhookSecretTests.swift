import Credentials
import Foundation
import Models
import Testing

@Suite("Webhook secrets")
struct WebhookSecretTests {
  private static let webhook = WebhookID.made(at: Date(timeIntervalSince1970: 1))
  private static let message = "msg_p5jXN8AQM9LWM0D4loKWxJek"

  /// The first vector is that of the specification's libraries; the others are computed with `hmac` of Python.
  @Test(
    "Signatures are those of Standard Webhooks",
    arguments: [
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
      ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="),
    ])
  func vectors(secret: String, signature: String) throws {
    let secret = try #require(WebhookSecret(secret))
    #expect(secret.signature(id: Self.message, timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8)) == signature)
  }

  @Test("The id, the time and the body are signed")
  func signedContent() {
    let secret = WebhookSecret.made()
    func signature(_ id: String, _ timestamp: Int64, _ body: String) -> String {
      secret.signature(id: id, timestamp: timestamp, body: Array(body.utf8))
    }
    let all = [signature("a", 1, "{}"), signature("b", 1, "{}"), signature("a", 2, "{}"), signature("a", 1, "[]")]
    #expect(Set(all).count == 4 && signature("a", 1, "{}") == all[0])
  }

  @Test("Two secrets sign during a rotation, the current one first")
  func rotation() throws {
    let (current, former) = (WebhookSecret.made(), WebhookSecret.made())
    let header = WebhookSignature.header(id: "a", timestamp: 1, body: [], secrets: [current, former])
    #expect(
      header.split(separator: " ").map(String.init)
        == [current.signature(id: "a", timestamp: 1, body: []), former.signature(id: "a", timestamp: 1, body: [])])
    #expect(
      WebhookSignature.header(id: "a", timestamp: 1, body: [], secrets: [current])
        == current.signature(id: "a", timestamp: 1, body: []))
  }

  @Test("A generated secret has 32 bytes, and its text is parsed again")
  func generation() throws {
    let secret = WebhookSecret.made()
    #expect(try #require(WebhookSecret(secret.text)) == secret)
    #expect(try #require(Data(base64Encoded: String(secret.text.dropFirst(6)))).count == 32)
    #expect(WebhookSecret.made() != secret)
    #expect(!"\(secret)".contains(secret.text.dropFirst(6)))
  }

  @Test("Keys of 24 to 64 bytes are accepted", arguments: [(0, false), (23, false), (24, true), (64, true), (65, false)])
  func sizes(size: Int, isAccepted: Bool) {
    let text = "whsec_" + Data(repeating: 7, count: size).base64EncodedString()
    #expect((WebhookSecret(text) != nil) == isAccepted)
  }

  @Test("Text that is not whsec_ and base64 is rejected", arguments: ["", "whsec_", "whsec_~~~~", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
  func malformed(text: String) {
    #expect(WebhookSecret(text) == nil)
  }

  @Test("A sealed secret is opened with the same key and for the same endpoint only")
  func sealing() throws {
    let seal = try #require(WebhookSeal(secret: "a key of the deployment"))
    let secret = WebhookSecret.made()
    let sealed = try seal.seal(secret, for: Self.webhook)
    #expect(try seal.open(sealed, for: Self.webhook) == secret)
    #expect(throws: (any Error).self) { try seal.open(sealed, for: .made(at: Date(timeIntervalSince1970: 2))) }
    let other = try #require(WebhookSeal(secret: "another key of the deployment"))
    #expect(throws: (any Error).self) { try other.open(sealed, for: Self.webhook) }
    #expect(throws: (any Error).self) { try seal.open([], for: Self.webhook) }
    #expect(WebhookSeal(secret: "too short") == nil)
  }

  @Test("The former secret signs until its time is over")
  func formerSecret() throws {
    let seal = try #require(WebhookSeal(secret: "a key of the deployment"))
    let (current, former) = (WebhookSecret.made(), WebhookSecret.made())
    let until = Date(timeIntervalSince1970: 1000)
    let endpoint = WebhookEndpoint(
      id: Self.webhook, workspace: .made(at: until), url: "https://example.com", sealedSecret: try seal.seal(current, for: Self.webhook),
      formerSealedSecret: try seal.seal(former, for: Self.webhook), formerSecretUntil: until, createdAt: until, version: 2)
    #expect(try seal.secrets(of: endpoint, at: until.addingTimeInterval(-1)) == [current, former])
    #expect(try seal.secrets(of: endpoint, at: until) == [current])
  }
}
