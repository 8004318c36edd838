import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads

@Suite("View models of webhook endpoints")
struct WebhookViewTests {
  private func webhook(_ url: String, description: String = "", state: WebhookEndpoint.State = .enabled) -> StoredWebhook {
    StoredWebhook(
      id: .made(at: Date()), subscription: WebhookSubscription(url: url, description: description), state: state,
      createdAt: Date(), modifiedAt: Date(), version: 1)
  }

  private func queue(attempts: Int, last: Int64 = 4, stuck: Int64? = nil) -> WebhookQueue {
    WebhookQueue(
      progress: WebhookProgress(workspace: .made(at: Date()), lastSequence: last, attempts: attempts), lastEvent: 9, stuckEvent: stuck)
  }

  @Test(
    "An endpoint is named by its description, or else by its host",
    arguments: [
      ("https://app.example.com/rollcall", "Directory", "Directory"), ("https://app.example.com/rollcall", "", "app.example.com"),
      ("https://app.example.com?key=secret", "", "app.example.com"), ("https://[::1]:8080/x", "", "[::1]:8080"),
      ("nonsense", "", "nonsense"),
    ])
  func names(url: String, description: String, name: String) {
    #expect(WebhookView.name(of: webhook(url, description: description)) == name)
  }

  @Test("An endpoint is failing as long as its next event failed, and disabled whatever its queue is")
  func states() {
    #expect(WebhookView.state(of: webhook("https://a.example"), queue(attempts: 0)).label == "Enabled")
    #expect(WebhookView.state(of: webhook("https://a.example"), queue(attempts: 1)).label == "Failing")
    #expect(WebhookView.state(of: webhook("https://a.example", state: .disabled), queue(attempts: 1)).label == "Disabled")
    #expect(WebhookView.state(of: webhook("https://a.example"), WebhookQueue(progress: nil, lastEvent: 9)).label == "Enabled")
  }

  @Test("An event can be skipped only if it is known which one is stuck")
  func stuck() {
    let endpoint = webhook("https://a.example")
    #expect(WebhookQueueView(queue(attempts: 0), of: endpoint).failures == nil)
    #expect(WebhookQueueView(queue(attempts: 2), of: endpoint).failures?.stuckEvent == nil)
    #expect(WebhookQueueView(queue(attempts: 2, stuck: 7), of: endpoint).failures?.stuckEvent == "7")
    #expect(WebhookQueueView(queue(attempts: 0, last: 9), of: endpoint).waitingEvents == "none")
    #expect(WebhookQueueView(queue(attempts: 0, last: 8), of: endpoint).waitingEvents == "1 event")
    // A cursor of a restored database may be ahead of the events.
    #expect(WebhookQueueView(queue(attempts: 0, last: 12), of: endpoint).waitingEvents == "none")
  }

  @Test(
    "A local time is read in UTC, with or without seconds",
    arguments: [
      ("2026-01-31T08:00", 1_769_846_400), ("2026-01-31T08:00:30", 1_769_846_430), ("2026-01-31 08:00Z", 1_769_846_400),
      ("2026-01-31", 1_769_817_600), ("2026-01-31T08:00:00+01:00", nil), ("31.01.2026", nil), ("", nil),
    ] as [(String, Double?)])
  func localTimes(text: String, seconds: Double?) {
    #expect(LocalTime.date(text) == seconds.map { Date(timeIntervalSince1970: $0) })
  }

  @Test("The text of a local time is read back")
  func localTimeText() {
    let time = Date(timeIntervalSince1970: 1_769_846_400)
    #expect(LocalTime.text(time) == "2026-01-31T08:00" && LocalTime.date(LocalTime.text(time)) == time)
  }

  @Test("A form without changes results in the same subscription")
  func roundTrip() throws {
    for types in [nil, ["member.updated", "group.created"]] as [[String]?] {
      let subscription = WebhookSubscription(url: "https://a.example", description: "Note", types: types)
      var form = WebhookForm(.made(at: Date()), version: 3, subscription)
      #expect(form.subscription() == subscription)
    }
  }

  @Test("A skipped event is no failed request")
  func skipped() {
    let delivery = WebhookDelivery(
      id: UUID(), at: Date(), place: WebhookDeliveriesQuery.Position(microseconds: 1, id: UUID()), workspace: .made(at: Date()),
      sequence: 5, event: "e", type: "member.updated", webhookID: "", attempt: 0, isAhead: false, isDelivered: false, url: "",
      milliseconds: 0, error: "skipped by an administrator")
    let view = WebhookDeliveryView(delivery, of: .made(at: Date()))
    #expect(view.outcome == "Skipped" && view.duration == nil && view.attemptNumber == nil)
  }
}
