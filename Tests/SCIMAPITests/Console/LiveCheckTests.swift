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

@Suite("Live check of the connection")
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

  @Test("Before the first request it waits and refreshes often")
  func waiting() {
    let live = LiveCheck([], diagnosis: nil, at: now)
    #expect(live.isWaiting && live.latest == nil && live.recognised == nil)
    #expect(live.refreshInterval == 3)
  }

  @Test("A successful request is shown with its sender, and the page refreshes less often")
  func received() {
    let live = LiveCheck([entry()], diagnosis: nil, at: now)
    #expect(!live.isWaiting)
    #expect(live.latest == .init(request: "GET /Users", sender: "Okta", status: 200, succeeded: true, at: Timestamp.text(now - 1)))
    #expect(live.recognised == "Okta")
    #expect(live.refreshInterval == 10)
    // An old success does not count.
    #expect(LiveCheck([entry(age: 86_400)], diagnosis: nil, at: now).refreshInterval == 3)
  }

  @Test("A failed request is shown, the page refreshes often, and a few earlier requests are listed")
  func refused() {
    let live = LiveCheck([entry(403)] + (0..<10).map { entry(age: 10 + Double($0)) }, diagnosis: nil, at: now)
    #expect(live.latest?.succeeded == false && live.latest?.status == 403)
    #expect(live.refreshInterval == 3)
    #expect(live.earlier.count == 4)
  }

  @Test(
    "Senders",
    arguments: [
      ("Okta SCIM Client 1.0.0", "okta", "Okta", "Okta"), ("Microsoft.Azure.SyncFabric/1", "entra", "Entra ID", "Entra ID"),
      ("curl/8.5", nil, "curl/8.5", nil), (nil, nil, "a sender without a name", nil),
      // The profile of the workspace, not recognised from the user agent.
      ("curl/8.5", "onelogin", "OneLogin", nil),
    ] as [(String?, String?, String, String?)])
  func senders(agent: String?, provider: String?, sender: String, recognised: String?) {
    let live = LiveCheck([entry(agent: agent, provider: provider)], diagnosis: nil, at: now)
    #expect(live.latest?.sender == sender)
    #expect(live.recognised == recognised)
  }

  @Test("Operations of bulk requests, resent requests and other APIs are not requests of the identity provider")
  func providerRequests() {
    #expect(entry().isProviderRequest)
    #expect(!entry(401, "/api/v2/sign-ins").isProviderRequest)
    var part = entry()
    part.bulk = .made(at: now)
    #expect(!part.isProviderRequest)
    var replay = entry()
    replay.replayOf = .made(at: now)
    #expect(!replay.isProviderRequest)
  }
}
