import Credentials
import Foundation
import Models
import Postgres
import Primitives
import SCIM
import Synchronization
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ScimAPI

@Suite("Webhooks in the management API", .timeLimit(.minutes(10)))
struct WebhooksAPITests {
  private static let subscription = #"{"url":"https://app.example.com/rollcall","types":["member.updated"]}"#

  /// A bench whose replies store the endpoints, as identity-store does.
  private static func start() async throws -> ManagementBench {
    var bench = try await ManagementBench.start()
    let store = bench.store
    bench.builder.reply = { command in
      switch command.operation {
      case .writeWebhook(let write):
        try await store.write(write, of: command.workspace)
        return .done
      case .deleteWebhook(let id):
        try await store.write("update identity.webhook_endpoints set deleted_at = now() where id = $1", [.uuid(id.uuid)])
        return .done
      case .disableWebhook(let id, let reason):
        try await store.write(
          "update identity.webhook_endpoints set state = 'disabled', disabled_reason = $2, disabled_at = now() where id = $1",
          [.uuid(id.uuid), .text(reason)])
        return .done
      default: return .done
      }
    }
    return bench
  }

  /// The roots of the paths, with a token for each: of a workspace, and of the deployment.
  private static func roots(_ bench: ManagementBench) -> [(base: String, token: String, owner: WorkspaceID)] {
    [
      ("\(ResourcePath.admin)/workspaces/\(bench.workspace)", bench.token, bench.workspace),
      ("\(ResourcePath.admin)/workspaces/\(bench.workspace)", bench.deploymentToken, bench.workspace),
      (ResourcePath.admin, bench.deploymentToken, .deployment),
    ]
  }

  @Test("An endpoint is created with a secret that is returned once, for a workspace and for the deployment")
  func create() async throws {
    let bench = try await Self.start()
    let seal = try #require(bench.builder.webhookSeal)
    for (base, token, owner) in Self.roots(bench) {
      let sent = bench.builder.sentCommands.entries.count
      try await bench.serving(token: token, base: base) { client in
        let created = try await client.post("/webhooks", Self.subscription)
        #expect(created.status == 201, "\(created.text)")
        let id = try #require(created.json["id"]?.string)
        #expect(created.headers["location"] == "\(base)/webhooks/\(id)" && created.headers["etag"] == "\"1\"")
        let secret = try #require(created.json["secret"]?.string.flatMap { WebhookSecret($0) })
        let command = bench.builder.sentCommands.entries[sent]
        guard case .writeWebhook(.create(let webhook, let subscription, let sealed)) = command.operation else {
          Issue.record("\(command.operation)")
          return
        }
        #expect(command.workspace == owner && "\(webhook)" == id && subscription.types == ["member.updated"])
        #expect(try seal.open(sealed, for: webhook) == secret)
        let shown = try await client.get("/webhooks/\(id)")
        #expect(shown.status == 200 && shown.json["secret"] == nil && shown.json["failing"] == [], "\(shown.text)")
        #expect(shown.json["url"] == "https://app.example.com/rollcall" && shown.json["types"] == ["member.updated"])
        #expect(try await client.get("/webhooks").items("webhooks").texts("id").contains(id))
        #expect(try await client.get("/webhooks/\(id)", headers: ["If-None-Match": "\"1\""]).status == 304)
      }
    }
    await bench.store.close()
  }

  @Test("The endpoints of the deployment are those of no workspace, and need a deployment-wide token")
  func owners() async throws {
    let bench = try await Self.start()
    let roots = Self.roots(bench)
    var ids: [String] = []
    for root in [roots[0], roots[2]] {
      try await bench.serving(token: root.token, base: root.base) { client in
        let answer = try await client.post("/webhooks", Self.subscription)
        #expect(answer.status == 201)
      }
      ids.append(
        try #require(
          bench.builder.sentCommands.entries.last.flatMap { command -> String? in
            if case .writeWebhook(let write) = command.operation { "\(write.webhook)" } else { nil }
          }))
    }
    for (own, other, root) in [(ids[0], ids[1], roots[0]), (ids[1], ids[0], roots[2])] {
      try await bench.serving(token: root.token, base: root.base) { client in
        let list = try await client.get("/webhooks")
        #expect(list.items("webhooks").texts("id") == [own])
        for path in ["", "/deliveries", "/progress"] {
          #expect(try await client.get("/webhooks/\(other)\(path)").status == 404, "\(path)")
        }
      }
    }
    try await bench.serving(token: bench.token, base: ResourcePath.admin) { client in
      let answers = [try await client.get("/webhooks"), try await client.post("/webhooks", Self.subscription)]
      #expect(answers.map(\.status) == [403, 403])
    }
    await bench.store.close()
  }

  @Test("A repeated request with the same key returns the same endpoint and the same secret")
  func idempotency() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      var answers: [Answer] = []
      for _ in 0..<2 {
        answers.append(try await client.post("/webhooks", Self.subscription, headers: ["Idempotency-Key": "create-hook-1"]))
      }
      #expect(answers.allSatisfy { $0.status == 201 }, "\(answers.map(\.text))")
      #expect(answers[0].json["secret"] == answers[1].json["secret"] && answers[0].json["id"] == answers[1].json["id"])
      let other = try await client.post("/webhooks", Self.subscription, headers: ["Idempotency-Key": "create-hook-2"])
      #expect(other.json["secret"] != answers[0].json["secret"])
      let id = try #require(answers[0].json["id"]?.string)
      let rotated = try await client.post("/webhooks/\(id)/rotate-secret", headers: ["Idempotency-Key": "rotate-hook-1"])
      #expect(rotated.json["secret"]?.string != nil && rotated.json["secret"] != answers[0].json["secret"])
    }
    let ids = bench.builder.sentCommands.entries.map(\.id)
    #expect(ids[0] == ids[1])
    await bench.store.close()
  }

  @Test("A patch changes what it names, for the version that was read")
  func update() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      let created = try await client.post("/webhooks", Self.subscription)
      let id = try #require(created.json["id"]?.string)
      let patched = try await client.send("PATCH", "/webhooks/\(id)", #"{"description":"Directory","types":null}"#)
      #expect(patched.status == 200 && patched.json["types"] == .null && patched.json["description"] == "Directory", "\(patched.text)")
      #expect(patched.headers["etag"] == "\"2\"" && patched.json["secret"] == nil)
      let conditional = try await client.send(
        "PATCH", "/webhooks/\(id)", #"{"url":"https://app.example.com/2"}"#, headers: ["If-Match": "\"1\""])
      #expect(conditional.status == 200)
      #expect(try await client.send("PATCH", "/webhooks/\(id)", "{}", headers: ["If-Match": "2"]).status == 400)
    }
    let updates = bench.builder.sentCommands.entries.dropFirst()
    #expect(updates.map(\.expectedVersions) == [[1], [1]])
    guard case .writeWebhook(.update(_, let first))? = updates.first?.operation else {
      Issue.record("no update")
      return
    }
    #expect(first == WebhookSubscription(url: "https://app.example.com/rollcall", description: "Directory", types: nil))
    await bench.store.close()
  }

  /// Requests with an invalid body, and the place of the error.
  private static let badBodies = [
    ("/webhooks", "{}", "/url"), ("/webhooks", #"{"url":7}"#, "/url"),
    ("/webhooks", #"{"url":"https://a.example","types":"all"}"#, "/types"),
    ("/webhooks", #"{"url":"https://a.example","types":["member.renamed"]}"#, "/types/0"),
    ("/webhooks", #"{"url":"https://a.example","types":["member.updated",1]}"#, "/types/1"),
    ("/webhooks", #"{"url":"https://a.example","secret":"whsec_c2hvcnQ="}"#, "/secret"),
    ("/webhooks", #"{"url":"https://a.example","state":"disabled"}"#, "/state"),
    ("/webhooks/ID/rotate-secret", #"{"overlapSeconds":-1}"#, "/overlapSeconds"),
    ("/webhooks/ID/rotate-secret", #"{"overlapSeconds":2592001}"#, "/overlapSeconds"),
    ("/webhooks/ID/rotate-secret", #"{"secret":"hush"}"#, "/secret"), ("/webhooks/ID/redeliver", "{}", "/since"),
    ("/webhooks/ID/redeliver", #"{"since":"yesterday"}"#, "/since"), ("/webhooks/ID/skip", "{}", "/sequence"),
    ("/webhooks/ID/skip", #"{"sequence":0}"#, "/sequence"), ("/webhooks/ID/skip", #"{"sequence":1,"workspace":"globex"}"#, "/workspace"),
    ("/webhooks/ID/test", #"{"type":"member.updated"}"#, "/type"),
  ]

  @Test("Invalid bodies are rejected with the place of the error")
  func bodies() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      for (path, body, pointer) in Self.badBodies {
        let answer = try await client.post(path.replacing("ID", with: "\(WebhookID.made(at: Date()))"), body)
        #expect(answer.status == 400 && answer.problem == "invalid-body", "\(path) \(body): \(answer.text)")
        #expect(answer.json["errors"]?.array?.first?.object?["pointer"]?.string == pointer, "\(path) \(body): \(answer.text)")
      }
    }
    #expect(bench.operations.isEmpty)
    await bench.store.close()
  }

  @Test("Secrets are replaced, given ones too, and the former one signs for the given time or not at all")
  func rotation() async throws {
    let bench = try await Self.start()
    let given = WebhookSecret.made().text
    try await bench.serving { client in
      let id = try #require(try await client.post("/webhooks", Self.subscription).json["id"]?.string)
      let rotated = try await client.post("/webhooks/\(id)/rotate-secret")
      #expect(rotated.status == 200 && rotated.json["formerSecretUntil"]?.string != nil, "\(rotated.text)")
      let own = try await client.post("/webhooks/\(id)/rotate-secret", #"{"secret":"\#(given)","overlapSeconds":0}"#)
      #expect(own.json["secret"]?.string == given && own.json["formerSecretUntil"] == nil, "\(own.text)")
    }
    let ends = bench.operations.compactMap { operation -> Date?? in
      if case .writeWebhook(.rotateSecret(_, _, let until)) = operation { .some(until) } else { nil }
    }
    #expect(ends.count == 2 && ends[0] != nil && ends[1] == nil)
    await bench.store.close()
  }

  @Test("Endpoints are disabled, enabled and deleted, and get test events and orders")
  func orders() async throws {
    let bench = try await Self.start()
    try await bench.serving { client in
      let id = try #require(try await client.post("/webhooks", Self.subscription).json["id"]?.string)
      let disabled = try await client.post("/webhooks/\(id)/disable", #"{"reason":"Maintenance"}"#)
      #expect(disabled.json["state"] == "disabled" && disabled.json["disabledReason"] == "Maintenance", "\(disabled.text)")
      #expect(try await client.post("/webhooks/\(id)/enable").json["state"] == "enabled")
      #expect(try await client.post("/webhooks/\(id)/test").status == 202)
      #expect(try await client.post("/webhooks/\(id)/redeliver", #"{"since":"2026-01-31T08:00:00Z"}"#).status == 202)
      #expect(try await client.post("/webhooks/\(id)/skip", #"{"sequence":17}"#).status == 202)
      #expect(try await client.send("DELETE", "/webhooks/\(id)", headers: ["If-Match": "\"3\""]).status == 204)
      #expect(try await client.get("/webhooks/\(id)").status == 404)
      let webhook = try #require(WebhookID(id))
      let orders = bench.operations.compactMap { operation -> WebhookOrder? in
        if case .orderWebhook(let order) = operation { order } else { nil }
      }
      #expect(
        orders == [
          .test(webhook), .redeliver(webhook, workspace: bench.workspace, since: Date(timeIntervalSince1970: 1_769_846_400)),
          .skip(webhook, workspace: bench.workspace, sequence: 17),
        ])
      #expect(bench.builder.sentCommands.entries.last?.expectedVersions == [3])
    }
    try await bench.serving(token: bench.deploymentToken, base: ResourcePath.admin) { client in
      let path = "/webhooks/\(WebhookID.made(at: Date()))/skip"
      let unnamed = try await client.post(path, #"{"sequence":17}"#)
      #expect(unnamed.json["errors"]?.array?.first?.object?["pointer"] == "/workspace")
      for name in ["\(bench.workspace)", bench.store.settings.slug] {
        #expect(try await client.post(path, #"{"sequence":17,"workspace":"\#(name)"}"#).status == 202)
        guard case .orderWebhook(.skip(_, let workspace, _))? = bench.operations.last else {
          Issue.record("no event was skipped")
          continue
        }
        #expect(workspace == bench.workspace)
      }
      #expect(try await client.post(path, #"{"sequence":17,"workspace":"initech"}"#).status == 400)
    }
    await bench.store.close()
  }

  @Test("Deliveries are listed latest first, filtered and in pages, and failing workspaces are shown")
  func deliveries() async throws {
    let bench = try await Self.start()
    let store = bench.store
    try await bench.serving { client in
      let id = try #require(try await client.post("/webhooks", Self.subscription).json["id"]?.string)
      let webhook = try #require(WebhookID(id))
      try await store.insertDeliveries(60, to: webhook)
      try await store.write(
        """
        insert into directory.webhook_cursors
        (owner_id, endpoint_id, workspace_id, last_sequence, attempts, first_failed_at, next_attempt_at, last_error)
        values ($1, $2, $1, 7, 3, now(), now(), 'status 500'), ($1, $2, gen_random_uuid(), 9, 0, null, null, null)
        """, [.uuid(store.workspace.uuid), .uuid(webhook.uuid)])
      let all = try await client.all("/webhooks/\(id)/deliveries", "deliveries", limit: 7)
      let sequences = all.map { $0["sequence"]?.integer }
      // Three at a time have the same time, and the order of their ids.
      #expect(all.count == 60 && sequences.compactMap { $0 } == Array(1...60).reversed().map { Int64($0) }, "\(sequences)")
      #expect(all[0]["response"]?.object?["head"] == "content-length: 0" && all[0]["isDelivered"] == true)
      let failed = try await client.all("/webhooks/\(id)/deliveries?failed=true", "deliveries", limit: 2)
      #expect(failed.compactMap { $0["sequence"]?.integer } == [55, 45, 35, 25, 15, 5])
      #expect(failed.allSatisfy { $0["error"]?.string != nil })
      #expect(try await client.get("/webhooks/\(id)/deliveries?event=event-17").items("deliveries").count == 1)
      for name in [store.settings.slug, "\(store.workspace)"] {
        #expect(try await client.all("/webhooks/\(id)/deliveries?workspace=\(name)", "deliveries", limit: 50).count == 60)
      }
      let other = try await client.get("/webhooks/\(id)/deliveries?workspace=\(WorkspaceID.made(at: Date()))")
      #expect(other.status == 400 && other.detail.contains(store.settings.slug), "\(other.text)")
      let shown = try await client.get("/webhooks/\(id)", headers: ["If-None-Match": "\"1\""])
      let failing = shown.items("failing")
      #expect(shown.status == 200 && failing.count == 1 && failing[0]["failedAttempts"] == 3 && failing[0]["lastSequence"] == 7)
      #expect(try await client.all("/webhooks/\(id)/progress", "progress", limit: 1).count == 2)
      #expect(try await client.get("/webhooks/\(id)/progress?failing=true").items("progress").count == 1)
    }
    await store.close()
  }

  @Test("Without a key for webhooks, no endpoint can be created")
  func unconfigured() async throws {
    var bench = try await Self.start()
    bench.builder.webhookSeal = nil
    try await bench.serving { client in
      let answer = try await client.post("/webhooks", Self.subscription)
      #expect(answer.status == 501 && answer.detail.contains("ROLLCALL_WEBHOOK_KEY"), "\(answer.text)")
    }
    #expect(bench.operations.isEmpty)
    await bench.store.close()
  }
}

extension StoreBuilder {
  /// Applies a command to the table of endpoints.
  fileprivate func write(_ write: WebhookEndpointWrite, of owner: WorkspaceID) async throws {
    let id = PostgresValue.uuid(write.webhook.uuid)
    switch write {
    case .create(_, let subscription, let secret):
      try await self.write(
        """
        insert into identity.webhook_endpoints
        (workspace_id, id, url, description, types, secret, state, created_at, modified_at, version)
        values ($1, $2, $3, $4, $5, $6, 'enabled', now(), now(), 1)
        on conflict do nothing
        """,
        [
          .uuid(owner.uuid), id, .text(subscription.url), .text(subscription.description),
          subscription.types.map { PostgresValue.textArray($0) } ?? .null, .bytes(secret),
        ])
    case .update(_, let subscription):
      try await self.write(
        "update identity.webhook_endpoints set url = $2, description = $3, types = $4, version = version + 1 where id = $1",
        [
          id, .text(subscription.url), .text(subscription.description), subscription.types.map { PostgresValue.textArray($0) } ?? .null,
        ])
    case .rotateSecret(_, let secret, let until):
      try await self.write(
        "update identity.webhook_endpoints set secret = $2, former_secret_until = $3, version = version + 1 where id = $1",
        [id, .bytes(secret), .optional(until, PostgresValue.timestamp)])
    case .enable:
      try await self.write(
        "update identity.webhook_endpoints set state = 'enabled', disabled_reason = null, disabled_at = null where id = $1", [id])
    }
  }

  /// Inserts deliveries of events with the sequence numbers from 1 on; the fifth of each ten failed.
  fileprivate func insertDeliveries(_ count: Int, to webhook: WebhookID) async throws {
    try await write(
      """
      insert into directory.webhook_deliveries
      (owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms,
        status, error, response_head, response_body)
      select
        $1, $2, ('0192f7a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
        date_trunc('hour', now()) + ((n - 1) / 3) * interval '1.000001 seconds', $1, n, 'event-' || n, 'member.updated', 'hook-' || n, 1,
        false, n % 10 <> 5, 'https://app.example.com/rollcall', 12, case when n % 10 <> 5 then 200 else 500 end,
        case when n % 10 = 5 then 'status 500' end, 'content-length: 0', ''
      from generate_series(1, $3::int8) n
      """, [.uuid(workspace.uuid), .uuid(webhook.uuid), .int(Int64(count))])
  }
}
