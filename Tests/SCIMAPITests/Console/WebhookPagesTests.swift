import Credentials
import Foundation
import Models
import Postgres
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ScimAPI

@Suite("The console's pages about webhooks", .timeLimit(.minutes(10)))
struct WebhookPagesTests {
  private static let path = "/console/settings/webhooks"
  private static let url = "https://app.example.com/rollcall"

  /// A bench whose replies store the endpoints, as identity-store does.
  private static func made() async throws -> ConsoleBench {
    var bench = try await ConsoleBench.made()
    let tables = bench
    bench.builder.reply = { command in
      switch command.operation {
      case .writeWebhook(let write):
        let present = try await tables.version(of: write.webhook)
        if case .create = write, present != nil { return .refused(status: 409, error: Array(#"{"detail":"exists"}"#.utf8)) }
        if let expected = command.expectedVersions, !expected.contains(present ?? 0) {
          return .refused(status: 412, error: Array(#"{"detail":"changed"}"#.utf8))
        }
        try await tables.write(write, of: command.workspace)
      case .deleteWebhook(let id):
        try await tables.write("update identity.webhook_endpoints set deleted_at = now() where id = $1", [.uuid(id.uuid)])
      case .disableWebhook(let id, let reason):
        try await tables.write(
          "update identity.webhook_endpoints set state = 'disabled', disabled_reason = $2, disabled_at = now() where id = $1",
          [.uuid(id.uuid), .text(reason)])
      default: break
      }
      return .done
    }
    return bench
  }

  /// Creates an endpoint without the console.
  private static func insert(_ subscription: WebhookSubscription, _ bench: ConsoleBench, of owner: WorkspaceID? = nil) async throws
    -> WebhookID
  {
    let id = WebhookID.made(at: Date())
    try await bench.write(.create(id, subscription, sealedSecret: Array(repeating: 1, count: 60)), of: owner ?? bench.workspace)
    return id
  }

  private static func orders(_ bench: ConsoleBench) -> [WebhookOrder] {
    bench.builder.sentCommands.entries.compactMap { command in
      if case .orderWebhook(let order) = command.operation { order } else { nil }
    }
  }

  private static func writes(_ bench: ConsoleBench) -> [WebhookEndpointWrite] {
    bench.builder.sentCommands.entries.compactMap { command in
      if case .writeWebhook(let write) = command.operation { write } else { nil }
    }
  }

  @Test("An endpoint is created once, and its secret is shown once")
  func create() async throws {
    let bench = try await Self.made()
    let seal = try #require(bench.builder.webhookSeal)
    try await bench.serving { client in
      let empty = try await client.get(Self.path)
      #expect(empty.status == 200 && empty.text.contains("No endpoints yet"), "\(empty.text)")
      let page = try await client.get("\(Self.path)/new")
      let seed = try #require(page.hidden("seed"))
      let values = ["seed": seed, "url": Self.url, "note": "Directory <b>", "receives": "some", "type": "member.updated"]
      let created = try await client.post("\(Self.path)/new", of: page, values)
      #expect(created.status == 200, "\(created.text)")
      let found = created.text.firstMatch(of: /whsec_[A-Za-z0-9+\/=]+/)
      let shown = try #require(found).output
      guard case .create(let webhook, let subscription, let sealed)? = Self.writes(bench).first else {
        Issue.record("nothing was created")
        return
      }
      let id = "\(webhook)"
      #expect(subscription == WebhookSubscription(url: Self.url, description: "Directory <b>", types: ["member.updated"]))
      #expect(try seal.open(sealed, for: webhook).text == String(shown))
      // Submitting the form again creates nothing, and shows no other secret.
      let again = try await client.post("\(Self.path)/new", of: page, values)
      #expect(again.status == 409 && again.text.contains("already submitted") && !again.text.contains("whsec_"), "\(again.text)")
      // The same seed in another workspace is another endpoint.
      #expect(WebhookForm(newWith: seed, in: bench.workspace).id == webhook)
      #expect(WebhookForm(newWith: seed, in: .made(at: Date())).id != webhook)
      for path in [Self.path, "\(Self.path)/\(id)", "\(Self.path)/\(id)/edit"] {
        let page = try await client.get(path)
        #expect(
          page.status == 200 && page.text.contains("Directory &lt;b&gt;") && page.text.contains("member.updated"), "\(path): \(page.text)")
        #expect(!page.text.contains("whsec_") && !page.text.contains("<b>"))
      }
    }
    await bench.close()
  }

  @Test("Invalid input is shown again with an error at the field, and nothing is sent")
  func invalid() async throws {
    let bench = try await Self.made()
    try await bench.serving { client in
      let page = try await client.get("\(Self.path)/new")
      let seed = try #require(page.hidden("seed"))
      let noURL = try await client.post("\(Self.path)/new", of: page, ["seed": seed, "url": " ", "note": "kept"])
      #expect(noURL.status == 422 && noURL.text.contains(#"id="url-error""#) && noURL.text.contains(#"value="kept""#), "\(noURL.text)")
      #expect(noURL.hidden("seed") == seed)
      let noTypes = try await client.post("\(Self.path)/new", of: page, ["seed": seed, "url": Self.url, "receives": "some", "type": "x"])
      #expect(noTypes.status == 422 && noTypes.text.contains(#"id="types-error""#) && noTypes.text.contains(Self.url), "\(noTypes.text)")
      let longNote = try await client.post(
        "\(Self.path)/new", of: page, ["seed": seed, "url": Self.url, "note": String(repeating: "n", count: 1025)])
      #expect(longNote.status == 422 && longNote.text.contains(#"id="note-error""#))
      #expect(try await client.post("\(Self.path)/new", of: page, ["url": Self.url]).status == 422)
    }
    #expect(Self.writes(bench).isEmpty)
    await bench.close()
  }

  @Test(
    "Errors of identity-store are shown at the URL, or at the form if they are about something else",
    arguments: [
      (
        #"{"scimType":"invalidValue","detail":"The URL must begin with https://."}"#, #"<p class="error" id="url-error">The URL must begin"#
      ),
      (#"{"scimType":"tooMany","detail":"There can be at most 20."}"#, #"<p class="notice bad" role="alert">There can be at most 20."#),
    ])
  func refusals(error: String, shown: String) async throws {
    var bench = try await ConsoleBench.made()
    bench.builder.reply = { _ in .refused(status: 400, error: Array(error.utf8)) }
    try await bench.serving { client in
      let page = try await client.get("\(Self.path)/new")
      let seed = try #require(page.hidden("seed"))
      let refused = try await client.post("\(Self.path)/new", of: page, ["seed": seed, "url": "http://localhost/x", "note": "kept"])
      #expect(refused.status == 422 && refused.text.contains(shown), "\(refused.text)")
      #expect(refused.text.contains(#"value="http://localhost/x""#) && refused.text.contains(#"value="kept""#))
      #expect(!refused.text.contains("whsec_"))
    }
    await bench.close()
  }

  @Test("A change applies to the version that was shown; after a conflict the input is kept")
  func edit() async throws {
    let bench = try await Self.made()
    let id = try await Self.insert(WebhookSubscription(url: Self.url, types: ["member.updated"]), bench)
    try await bench.serving { client in
      let page = try await client.get("\(Self.path)/\(id)/edit")
      #expect(page.text.contains(#"value="member.updated" checked"#) && page.hidden("version") == "1", "\(page.text)")
      try await bench.write("update identity.webhook_endpoints set version = 2")
      let late = try await client.post("\(Self.path)/\(id)/edit", of: page, ["url": "\(Self.url)/2", "receives": "all"])
      #expect(late.status == 409 && late.text.contains("Somebody else has changed"), "\(late.text)")
      #expect(late.text.contains("value=\"\(Self.url)/2\"") && late.hidden("version") == "2")
      let saved = try await client.post("\(Self.path)/\(id)/edit", of: late, ["url": "\(Self.url)/2", "receives": "all"])
      #expect(saved.status == 303 && saved.headers["location"] == "\(Self.path)/\(id)")
      #expect(Self.writes(bench).last == WebhookEndpointWrite.update(id, WebhookSubscription(url: "\(Self.url)/2")))
      let invalid = try await client.post("\(Self.path)/\(id)/edit", of: late, ["url": "", "receives": "all"])
      #expect(invalid.status == 422 && invalid.text.contains("url-error") && invalid.hidden("version") == "2")
    }
    await bench.close()
  }

  @Test("The secret is replaced once for each page, and the former one signs for the chosen time")
  func rotate() async throws {
    let bench = try await Self.made()
    let id = try await Self.insert(WebhookSubscription(url: Self.url), bench)
    try await bench.serving { client in
      let page = try await client.get("\(Self.path)/\(id)")
      let rotated = try await client.post("\(Self.path)/\(id)/rotate", of: page, ["overlap": "7"])
      #expect(rotated.status == 200 && rotated.text.contains("whsec_"), "\(rotated.text)")
      let again = try await client.post("\(Self.path)/\(id)/rotate", of: page, ["overlap": "7"])
      #expect(again.status == 409 && !again.text.contains("whsec_"), "\(again.text)")
      let after = try await client.get("\(Self.path)/\(id)")
      #expect(after.text.contains("also signs until"), "\(after.text)")
      #expect(try await client.post("\(Self.path)/\(id)/rotate", of: after, ["overlap": "400"]).status == 422)
      let atOnce = try await client.post("\(Self.path)/\(id)/rotate", of: after, ["overlap": "0"])
      #expect(atOnce.status == 200)
    }
    let ends = Self.writes(bench).compactMap { write -> Date?? in
      if case .rotateSecret(_, _, let until) = write { .some(until) } else { nil }
    }
    #expect(ends.count == 3 && ends[0] != nil && ends[2] == nil)
    await bench.close()
  }

  @Test("The page of an endpoint shows its queue, and the orders about it are sent")
  func queue() async throws {
    let bench = try await Self.made()
    let id = try await Self.insert(WebhookSubscription(url: Self.url), bench)
    try await bench.serving { client in
      let fresh = try await client.get("\(Self.path)/\(id)")
      #expect(fresh.text.contains("nothing was delivered so far") && !fresh.text.contains("Skip the event"), "\(fresh.text)")
      try await bench.insertDeliveries(9, to: id)
      try await bench.write(
        "insert into directory.event_sequences (workspace_id, last_sequence) values ($1, 8)", [.uuid(bench.workspace.uuid)])
      try await bench.write(
        """
        insert into directory.webhook_cursors
        (owner_id, endpoint_id, workspace_id, last_sequence, attempts, first_failed_at, next_attempt_at, last_error)
        values ($1, $2, $1, 4, 3, '2026-01-31T08:00:00Z', '2026-01-31T09:30:00Z', 'status 500')
        """, [.uuid(bench.workspace.uuid), .uuid(id.uuid)])
      let page = try await client.get("\(Self.path)/\(id)")
      for words in [
        "Failing", "<dd>4</dd>", "<dd>4 events</dd>", "3 at the event 5", "Status 500", "2026-01-31T09:30:00.000Z", "Skip the event 5",
      ] {
        #expect(page.text.contains(words), "\(words): \(page.text)")
      }
      #expect(!page.text.contains("data-live"))
      let skipped = try await client.post("\(Self.path)/\(id)/skip", of: page, ["sequence": "5"])
      #expect(skipped.status == 303 && skipped.headers["location"]?.hasPrefix("\(Self.path)/\(id)?ordered=") == true)
      #expect(try await client.post("\(Self.path)/\(id)/test", of: page, [:]).status == 303)
      #expect(try await client.post("\(Self.path)/\(id)/redeliver", of: page, ["since": "2026-01-31T08:00"]).status == 303)
      #expect(
        Self.orders(bench) == [
          .skip(id, workspace: bench.workspace, sequence: 5), .test(id),
          .redeliver(id, workspace: bench.workspace, since: Date(timeIntervalSince1970: 1_769_846_400)),
        ])
      let waiting = try await client.get(try #require(skipped.headers["location"]))
      #expect(waiting.text.contains(#"id="state" data-live="3""#))
      let invalid = try await client.post("\(Self.path)/\(id)/redeliver", of: page, ["since": "yesterday"])
      #expect(
        invalid.status == 422 && invalid.text.contains("since-error") && invalid.text.contains(#"value="yesterday""#), "\(invalid.text)")
      #expect(try await client.post("\(Self.path)/\(id)/skip", of: page, ["sequence": "0"]).status == 422)
      #expect(Self.orders(bench).count == 3)
      // The limits of types are mentioned, since the endpoint does not receive all waiting events.
      try await bench.write("update identity.webhook_endpoints set types = '{member.updated}'")
      #expect(try await client.get("\(Self.path)/\(id)").text.contains("up to 4 events, of which some may be of other types"))
    }
    await bench.close()
  }

  @Test("A disabled endpoint shows the reason and is enabled; deleted ones, and those of others, are not found")
  func states() async throws {
    let bench = try await Self.made()
    let id = try await Self.insert(WebhookSubscription(url: Self.url), bench)
    let others = [
      try await Self.insert(WebhookSubscription(url: "https://other.example"), bench, of: .made(at: Date())),
      try await Self.insert(WebhookSubscription(url: "https://deployment.example"), bench, of: .deployment),
    ]
    try await bench.serving { client in
      let page = try await client.get("\(Self.path)/\(id)")
      #expect(try await client.post("\(Self.path)/\(id)/disable", of: page, [:]).status == 303)
      let disabled = try await client.get("\(Self.path)/\(id)")
      #expect(disabled.text.contains("Disabled by ") && disabled.text.contains("delivery resumes where it stopped"), "\(disabled.text)")
      #expect(!disabled.text.contains("\(id)/disable\""))
      #expect(try await client.post("\(Self.path)/\(id)/enable", of: disabled, [:]).status == 303)
      #expect(try await client.get("\(Self.path)/\(id)").text.contains(#"<span class="badge good">Enabled</span>"#))
      let list = try await client.get(Self.path)
      #expect(!list.text.contains("other.example") && !list.text.contains("deployment.example"))
      let sent = bench.builder.sentCommands.entries.count
      for other in others.map(\.description) + ["none", "%3Cb%3E"] {
        for action in ["", "/edit", "/deliveries", "/delivery"] {
          #expect(try await client.get("\(Self.path)/\(other)\(action)").status == 404, "\(other)\(action)")
        }
        for action in ["edit", "enable", "disable", "delete", "rotate", "test", "redeliver", "skip"] {
          let values = ["url": Self.url, "overlap": "1", "since": "2026-01-31T08:00", "sequence": "1"]
          let answer = try await client.post("\(Self.path)/\(other)/\(action)", of: page, values)
          #expect(answer.status == 404, "\(other)/\(action)")
        }
      }
      #expect(bench.builder.sentCommands.entries.count == sent)
      let gone = try await client.post("\(Self.path)/\(id)/delete", of: page, [:])
      #expect(gone.status == 303 && gone.headers["location"] == Self.path)
      #expect(try await client.get("\(Self.path)/\(id)").status == 404)
    }
    await bench.close()
  }

  @Test("The delivery log has pages and a filter, and a delivery shows its request, response and duration")
  func log() async throws {
    let bench = try await Self.made()
    let id = try await Self.insert(WebhookSubscription(url: Self.url), bench)
    try await bench.insertDeliveries(120, to: id)
    try await bench.write(
      """
      insert into directory.events (position, workspace_id, sequence, id, type, data)
      values (1, $1, 115, 'event-115', 'member.updated', '{"changedAt":"2026-01-31T08:00:00.000Z","note":"<i>"}')
      """, [.uuid(bench.workspace.uuid)])
    try await bench.serving { client in
      var path: String? = "\(Self.path)/\(id)/deliveries"
      var seen = 0
      while let here = path {
        let page = try await client.get(here)
        #expect(page.status == 200, "\(page.text)")
        seen += page.text.components(separatedBy: "<th scope=\"row\">").count - 1
        path = page.nextPage
      }
      #expect(seen == 120)
      let failed = try await client.get("\(Self.path)/\(id)/deliveries?failed=1")
      #expect(failed.text.components(separatedBy: "<th scope=\"row\">").count - 1 == 12, "\(failed.text)")
      let delivery = try await client.get(try #require(failed.firstDelivery))
      #expect(delivery.status == 200, "\(delivery.text)")
      for words in [
        "Event 115: member.updated", "POST https://app.example.com/rollcall", "webhook-id: hook-115", "12 ms", "HTTP 500",
        "content-length: 0", "Status 500", "2026-01-31T08:00:00.000Z", "&lt;i&gt;",
      ] {
        #expect(delivery.text.contains(words), "\(words): \(delivery.text)")
      }
      let latest = try await client.get("\(Self.path)/\(id)")
      let without = try await client.get(try #require(latest.firstDelivery))
      #expect(without.text.contains("The event log no longer has the event"), "\(without.text)")
      for query in [
        "", "?at=1&delivery=x", "?at=x&delivery=\(UUID())", "?at=-1&delivery=\(UUID())", "?at=9223372036854775807&delivery=\(UUID())",
      ] {
        #expect(try await client.get("\(Self.path)/\(id)/delivery\(query)").status == 404, "\(query)")
      }
      // A cursor belongs to one list.
      let first = try await client.get("\(Self.path)/\(id)/deliveries")
      let cursor = try #require(first.nextPage)
      #expect(try await client.get(cursor.replacing("?cursor", with: "?failed=1&cursor")).status == 400)
    }
    await bench.close()
  }

  @Test("Without a key for webhooks, endpoints are listed but none can be created")
  func unconfigured() async throws {
    var bench = try await Self.made()
    bench.builder.webhookSeal = nil
    let id = try await Self.insert(WebhookSubscription(url: Self.url), bench)
    try await bench.serving { client in
      let list = try await client.get(Self.path)
      #expect(list.text.contains("ROLLCALL_WEBHOOK_KEY") && !list.text.contains("\(Self.path)/new") && list.text.contains("\(id)"))
      #expect(try await client.get("\(Self.path)/new").status == 501)
      let page = try await client.get("\(Self.path)/\(id)")
      #expect(page.status == 200 && !page.text.contains("Replace the secret"))
      #expect(try await client.post("\(Self.path)/\(id)/rotate", of: page, ["overlap": "1", "version": "1"]).status == 501)
      #expect(try await client.post("\(Self.path)/new", of: page, ["seed": "x", "url": Self.url]).status == 501)
    }
    #expect(Self.writes(bench).isEmpty)
    await bench.close()
  }
}

extension Answer {
  /// The link to the next page of a list.
  fileprivate var nextPage: String? {
    guard let start = text.range(of: "rel=\"next\" href=\"")?.upperBound else { return nil }
    return text[start...].prefix { $0 != "\"" }.replacingOccurrences(of: "&amp;", with: "&")
  }

  /// The link to the first delivery of a log.
  fileprivate var firstDelivery: String? {
    let link = text.firstMatch(of: /href="([^"]*\/delivery\?[^"]*)"/)
    return link.map { String($0.output.1).replacingOccurrences(of: "&amp;", with: "&") }
  }
}

extension ConsoleBench {
  /// The stored version of an endpoint; nil if there is none.
  fileprivate func version(of webhook: WebhookID) async throws -> Int64? {
    try await owner.query(
      Statement(once: "version", "select version from identity.webhook_endpoints where id = $1"), [.uuid(webhook.uuid)]
    ).first.map { Int64(try $0.int(0)) }
  }
}
