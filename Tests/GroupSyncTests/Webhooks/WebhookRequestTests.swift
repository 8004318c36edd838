import Credentials
import Foundation
import Models
import Primitives
import Testing

@testable import GroupSync

@Suite("The requests of webhooks")
struct WebhookRequestTests {
  @Test(
    "Attempts follow the schedule, within a fifth of the delay",
    arguments: [(1, 5.0), (2, 300), (3, 1800), (4, 7200), (5, 18_000), (6, 28_800), (7, 28_800), (50, 28_800)])
  func schedule(failures: Int, delay: TimeInterval) {
    let schedule = WebhookRetrySchedule()
    for (jitter, factor) in [(0.0, 0.8), (0.5, 1), (1, 1.2)] {
      let time = schedule.nextAttempt(afterFailures: failures, now: Fixture.time, jitter: jitter)
      #expect(abs(time.timeIntervalSince(Fixture.time) - delay * factor) < 0.001)
    }
  }

  @Test("The last attempt is made when the three days end, and later ones follow the schedule until the endpoint is disabled")
  func lastAttempt() {
    let (schedule, end) = (WebhookRetrySchedule(), Fixture.time + 3 * 86_400)
    func next(_ now: Date) -> Date { schedule.nextAttempt(afterFailures: 12, since: Fixture.time, now: now, jitter: 0.5) }
    #expect(next(end - 3600) == end)
    #expect(next(end - 9 * 3600) == end - 3600)
    #expect(next(end) == end + 8 * 3600)
  }

  @Test("After three days an endpoint is given up")
  func exhausted() {
    let schedule = WebhookRetrySchedule()
    #expect(!schedule.isExhausted(firstFailedAt: Fixture.time, now: Fixture.time + 3 * 86_400 - 1))
    #expect(schedule.isExhausted(firstFailedAt: Fixture.time, now: Fixture.time + 3 * 86_400))
  }

  @Test("Each attempt has the same id and body, and a signature of its own time by each secret")
  func message() throws {
    let endpoint = PlanFixture.endpoint().id
    let message = WebhookMessage(PlanFixture.event(7), to: endpoint)
    #expect(message == WebhookMessage(PlanFixture.event(7), to: endpoint))
    #expect(message.id != WebhookMessage(PlanFixture.event(8), to: endpoint).id)
    #expect(message.id != WebhookMessage(PlanFixture.event(7), to: PlanFixture.endpoint(2).id).id)
    // A dot separates the parts of what is signed.
    #expect(message.id.hasPrefix("msg_") && !message.id.contains("."))
    let body = try #require(try JSONSerialization.jsonObject(with: Data(message.body)) as? [String: Any])
    #expect(body["type"] as? String == "member.updated")
    #expect(body["timestamp"] as? String == Timestamp.text(Fixture.time))
    #expect((body["data"] as? [String: Int]) == ["sequence": 7])

    let secrets = [WebhookSecret.made(), WebhookSecret.made()]
    let headers = Dictionary(message.headers(secrets: secrets, at: Fixture.time + 1.9).map { ($0.name, $0.value) }) { $1 }
    #expect(headers["webhook-id"] == message.id)
    #expect(headers["webhook-timestamp"] == "1700000001")
    #expect(
      headers["webhook-signature"]
        == WebhookSignature.header(id: message.id, timestamp: 1_700_000_001, body: message.body, secrets: secrets))
    #expect(headers["content-type"] == "application/json")
  }

  @Test("The body is JSON even if the event has characters that JSON escapes")
  func escapes() throws {
    var event = PlanFixture.event(1)
    event.data = #"{"displayName":"\"Ana\" \u0000\\"}"#
    let message = WebhookMessage(event, to: PlanFixture.endpoint().id)
    #expect(try JSONSerialization.jsonObject(with: Data(message.body)) is [String: Any])
  }

  @Test("The host of a URL is that to which the client connects")
  func hosts() throws {
    #expect(try WebhookURL("https://Hooks.Example.com/a?b=c").host == "hooks.example.com")
    #expect(try WebhookURL("https://Hooks.Example.com/a?b=c").text == "https://hooks.example.com/a?b=c")
    #expect(try WebhookURL("https://192.0.2.1:8443/").address == InternetAddress("192.0.2.1"))
    #expect(try WebhookURL("https://[2001:db8::1]/").address == InternetAddress("2001:db8::1"))
    // Left to the resolver, whose addresses are checked.
    #expect(try WebhookURL("https://127.1/").address == nil)
  }

  @Test(
    "A URL without a host that is an ASCII name is refused",
    arguments: ["", "/path", "ftp://example.com/", "https:///", "https://ex%61mple.com%2F/", "https://ex ample.com/"])
  func malformed(url: String) {
    #expect(throws: WebhookURLError.self) { try WebhookURL(url) }
  }

  @Test("The command that disables an endpoint is the same each time, and another one for another version")
  func disablement() {
    var endpoint = PlanFixture.endpoint()
    let command = WebhookCommands.disablement(of: endpoint, reason: "r", at: Fixture.time)
    #expect(command.id == WebhookCommands.disablement(of: endpoint, reason: "s", at: Fixture.time + 1).id)
    #expect(command.expectedVersions == [1] && command.actor == .service("group-sync"))
    #expect(command.workspace == .deployment && command.operation == .disableWebhook(endpoint.id, reason: "r"))
    endpoint.version = 2
    #expect(command.id != WebhookCommands.disablement(of: endpoint, reason: "r", at: Fixture.time).id)
    let long = WebhookCommands.disablement(of: endpoint, reason: String(repeating: "é", count: 5000), at: Fixture.time)
    guard case .disableWebhook(_, let reason) = long.operation else {
      Issue.record("the operation is another one")
      return
    }
    #expect(reason.utf8.count <= WebhookEndpoint.maximumReasonSize + 3)
  }
}
