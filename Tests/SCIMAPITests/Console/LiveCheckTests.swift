import Foundation
import Models
import ProvisioningLog
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Whether the identity provider gets through")
struct LiveCheckTests {
  private let now = Date(timeIntervalSince1970: 1_767_225_600)

  private func entry(
    _ status: Int = 200, _ path: String = "/api/v2/scim/Users", agent: String? = "Okta SCIM Client 1.0.0", provider: String? = "okta",
    age: TimeInterval = 1
  ) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: now - age), workspace: .made(at: now), at: now - age, method: "GET", path: path, status: status, milliseconds: 1)
    entry.userAgent = agent
    entry.identityProvider = provider
    return entry
  }

  @Test("Before the first call it waits, and looks often")
  func waiting() {
    let live = LiveCheck([], diagnosis: nil, at: now)
    #expect(live.isWaiting && live.latest == nil && live.recognised == nil)
    #expect(live.pause == 3)
  }

  @Test("A call that went well is told with its sender, and there is no hurry any more")
  func received() {
    let live = LiveCheck([entry()], diagnosis: nil, at: now)
    #expect(!live.isWaiting)
    #expect(live.latest == .init(what: "GET /Users", sender: "Okta", status: 200, isGood: true, at: Timestamp.text(now - 1)))
    #expect(live.recognised == "Okta")
    #expect(live.pause == 10)
    // One of yesterday says nothing of what is tried now.
    #expect(LiveCheck([entry(age: 86_400)], diagnosis: nil, at: now).pause == 3)
  }

  @Test("A call that failed is told, and looked behind soon; those before it are kept, a few")
  func refused() {
    let live = LiveCheck([entry(403)] + (0..<10).map { entry(age: 10 + Double($0)) }, diagnosis: nil, at: now)
    #expect(live.latest?.isGood == false && live.latest?.status == 403)
    #expect(live.pause == 3)
    #expect(live.earlier.count == 4)
  }

  @Test(
    "Senders",
    arguments: [
      ("Okta SCIM Client 1.0.0", "okta", "Okta", "Okta"), ("Microsoft.Azure.SyncFabric/1", "entra", "Entra ID", "Entra ID"),
      ("curl/8.5", nil, "curl/8.5", nil), (nil, nil, "a sender without a name", nil),
      // The workspace is set to it: the sender did not say so.
      ("curl/8.5", "onelogin", "OneLogin", nil),
    ] as [(String?, String?, String, String?)])
  func senders(agent: String?, provider: String?, sender: String, recognised: String?) {
    let live = LiveCheck([entry(agent: agent, provider: provider)], diagnosis: nil, at: now)
    #expect(live.latest?.sender == sender)
    #expect(live.recognised == recognised)
  }

  @Test("Parts of a bulk, what was sent again from here, and what is not SCIM are no calls")
  func calls() {
    #expect(entry().isCall)
    #expect(!entry(401, "/api/v2/sign-ins").isCall)
    var part = entry()
    part.bulk = .made(at: now)
    #expect(!part.isCall)
    var replay = entry()
    replay.replayOf = .made(at: now)
    #expect(!replay.isCall)
  }
}
