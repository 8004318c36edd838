import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions about webhook endpoints")
struct WebhookDecisionTests {
  private static let workspace = Fixture.workspace.resource
  private static let secret = [UInt8](repeating: 1, count: 60)
  private static let other = [UInt8](repeating: 2, count: 60)
  private static let url = "https://app.example.com/rollcall"

  private func changes(_ fixture: Fixture) -> [WebhookChanged] {
    fixture.decider.events.compactMap { if case .webhookChanged(let event) = $0.event { event } else { nil } }
  }

  private func create(
    _ id: WebhookID, in fixture: inout Fixture, url: String = url, description: String = "", types: [String]? = nil
  ) -> Reply.Outcome {
    fixture.decide(
      .writeWebhook(
        .create(id, WebhookSubscription(url: url, description: description, types: types), sealedSecret: Self.secret)),
      on: Self.workspace)
  }

  /// A fixture with one endpoint.
  private func withEndpoint() -> (fixture: Fixture, id: WebhookID) {
    var fixture = Fixture()
    let id = WebhookID(fixture.id().uuid)
    #expect(create(id, in: &fixture).status == 204)
    return (fixture, id)
  }

  @Test("An endpoint is created enabled, and published with its sealed secret")
  func creation() throws {
    var fixture = Fixture()
    let id = WebhookID(fixture.id().uuid)
    #expect(create(id, in: &fixture, types: ["member.updated", "access-revoked", "member.updated"]).status == 204)
    let change = try #require(changes(fixture).first)
    #expect(change.change == .created && change.actor == "service:test")
    #expect(change.endpoint.state == .enabled && change.endpoint.version == 1 && change.endpoint.sealedSecret == Self.secret)
    #expect(Set(change.endpoint.types ?? []) == [.memberUpdated, .accessRevoked] && change.endpoint.types?.count == 2)
    #expect(fixture.decider.events.last?.event.workspace == Fixture.workspace)
    #expect(create(id, in: &fixture).status == 409)
  }

  @Test(
    "A URL that must not be called is refused, without repeating it",
    arguments: [
      ("http://app.example.com/x", "https://"), ("ftp://app.example.com", "https://"), ("app.example.com", "absolute URL"),
      ("", "absolute URL"),
      ("https://", "absolute URL"), ("https:///path", "absolute URL"), ("https://app.example.com/a b", "absolute URL"),
      ("https://app.example.com/ü", "absolute URL"), ("https://ana:pass-1@app.example.com", "user name"),
      ("https://ana@app.example.com", "user name"), ("https://app.example.com/#part", "fragment"),
      ("https://127.0.0.1/x", "private network"), ("https://[::1]/x", "private network"), ("https://2130706433/", "private network"),
      ("https://169.254.169.254/latest", "private network"), ("https://localhost/", "private network"),
      ("https://a.localhost/", "private network"), ("https://postgres/", "private network"), ("https://[fd00::1]:8080/", "private network"),
      ("https://app.example.com/" + String(repeating: "x", count: 2030), "2048 bytes"),
    ])
  func urls(url: String, reason: String) {
    var fixture = Fixture()
    let outcome = create(WebhookID(fixture.id().uuid), in: &fixture, url: url)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains(reason), "\(outcome.error)")
    #expect(!outcome.error.contains("pass-1"))
    #expect(changes(fixture).isEmpty)
  }

  @Test(
    "A URL of the Internet is accepted",
    arguments: [
      "https://app.example.com", "https://app.example.com:8443/a/b?token=x%20y", "https://1.1.1.1/hook", "HTTPS://App.Example.COM/",
      "https://[2606:4700::1111]/hook",
    ])
  func acceptedURLs(url: String) {
    var fixture = Fixture()
    #expect(create(WebhookID(fixture.id().uuid), in: &fixture, url: url).status == 204)
  }

  @Test("The operator's settings allow unencrypted and private URLs")
  func permissiveRules() throws {
    let rules = WebhookRules(allowsInsecureURLs: true, allowsPrivateAddresses: true)
    for url in ["http://127.0.0.1:8080/x", "http://localhost/", "https://product.internal"] {
      #expect(try rules.types(checking: WebhookSubscription(url: url)) == nil)
    }
    #expect(throws: (any Error).self) { try rules.types(checking: WebhookSubscription(url: "ftp://localhost")) }
  }

  @Test("Unknown types, an empty list of types and a long description are refused with what is expected")
  func content() {
    var fixture = Fixture()
    let unknown = create(WebhookID(fixture.id().uuid), in: &fixture, types: ["member.renamed"])
    #expect(unknown.status == 400 && unknown.error.contains("member.renamed") && unknown.error.contains("member.role-changed"))
    #expect(create(WebhookID(fixture.id().uuid), in: &fixture, types: []).error.contains("Leave out the types"))
    let long = create(WebhookID(fixture.id().uuid), in: &fixture, description: String(repeating: "ü", count: 600))
    #expect(long.status == 400 && long.error.contains("1024"))
    #expect(create(WebhookID(fixture.id().uuid), in: &fixture, description: "a\0b").status == 400)
    let unsealed = fixture.decide(
      .writeWebhook(.create(WebhookID(fixture.id().uuid), WebhookSubscription(url: Self.url), sealedSecret: [1])), on: Self.workspace)
    #expect(unsealed.status == 400)
    #expect(changes(fixture).isEmpty)
  }

  @Test("A workspace has at most 20 endpoints, of which deleted ones do not count")
  func limit() {
    var fixture = Fixture()
    let ids = (0..<20).map { _ in WebhookID(fixture.id().uuid) }
    for id in ids { #expect(create(id, in: &fixture).status == 204) }
    let next = WebhookID(fixture.id().uuid)
    let refused = create(next, in: &fixture)
    #expect(refused.status == 400 && refused.error.contains("20"))
    #expect(fixture.decide(.deleteWebhook(ids[3]), on: Self.workspace).status == 204)
    #expect(create(next, in: &fixture).status == 204)
  }

  @Test("An update changes the version once, and an equal one changes nothing")
  func update() throws {
    var (fixture, id) = withEndpoint()
    let subscription = WebhookSubscription(url: "https://new.example.com", description: "New", types: ["group.created"])
    for _ in 0..<2 { #expect(fixture.decide(.writeWebhook(.update(id, subscription)), on: Self.workspace).status == 204) }
    #expect(changes(fixture).map(\.change) == [.created, .updated])
    let endpoint = try #require(changes(fixture).last?.endpoint)
    #expect(endpoint.version == 2 && endpoint.url == "https://new.example.com" && endpoint.types == [.groupCreated])
    #expect(endpoint.sealedSecret == Self.secret)
  }

  @Test("A change of another version than the expected one is refused with 412")
  func versions() {
    var (fixture, id) = withEndpoint()
    let update = Command.Operation.writeWebhook(.update(id, WebhookSubscription(url: "https://new.example.com")))
    #expect(fixture.decide(update, on: Self.workspace, expecting: [1]).status == 204)
    for operation in [
      update, .deleteWebhook(id), .disableWebhook(id, reason: "x"),
      .writeWebhook(.rotateSecret(id, sealedSecret: Self.other, formerUntil: nil)),
      .writeWebhook(.enable(id)),
    ] {
      #expect(fixture.decide(operation, on: Self.workspace, expecting: [1]).status == 412, "\(operation)")
    }
    #expect(changes(fixture).count == 2)
  }

  @Test("A rotated secret is accompanied by the former one, for as long as the administrator says")
  func rotation() throws {
    var (fixture, id) = withEndpoint()
    let until = Fixture.start + 3600
    fixture.decide(.writeWebhook(.rotateSecret(id, sealedSecret: Self.other, formerUntil: until)), on: Self.workspace)
    var endpoint = try #require(changes(fixture).last?.endpoint)
    #expect(endpoint.sealedSecret == Self.other && endpoint.formerSealedSecret == Self.secret && endpoint.formerSecretUntil == until)
    fixture.decide(.writeWebhook(.rotateSecret(id, sealedSecret: Self.secret, formerUntil: nil)), on: Self.workspace)
    endpoint = try #require(changes(fixture).last?.endpoint)
    #expect(endpoint.sealedSecret == Self.secret && endpoint.formerSealedSecret == nil && endpoint.formerSecretUntil == nil)
    for invalid in [Fixture.start, Fixture.start + 31 * 86_400] {
      let outcome = fixture.decide(.writeWebhook(.rotateSecret(id, sealedSecret: Self.other, formerUntil: invalid)), on: Self.workspace)
      #expect(outcome.status == 400 && outcome.error.contains("30 days"))
    }
  }

  @Test("Disabling twice is one change, and enabling clears the reason")
  func disabling() throws {
    var (fixture, id) = withEndpoint()
    for reason in ["500 for three days\0", "again"] {
      #expect(fixture.decide(.disableWebhook(id, reason: reason), on: Self.workspace).status == 204)
    }
    // group-sync sends the version that it knows, also if the endpoint is disabled already.
    #expect(fixture.decide(.disableWebhook(id, reason: "late"), on: Self.workspace, expecting: [1]).status == 204)
    #expect(changes(fixture).map(\.change) == [.created, .disabled])
    var endpoint = try #require(changes(fixture).last?.endpoint)
    #expect(endpoint.state == .disabled && endpoint.disabledReason == "500 for three days" && endpoint.disabledAt == Fixture.start)
    for _ in 0..<2 { #expect(fixture.decide(.writeWebhook(.enable(id)), on: Self.workspace).status == 204) }
    #expect(changes(fixture).map(\.change) == [.created, .disabled, .updated])
    endpoint = try #require(changes(fixture).last?.endpoint)
    #expect(endpoint.state == .enabled && endpoint.disabledReason == nil && endpoint.disabledAt == nil && endpoint.version == 3)
  }

  @Test("A long reason is shortened to its bound")
  func longReason() throws {
    var (fixture, id) = withEndpoint()
    fixture.decide(.disableWebhook(id, reason: String(repeating: "🙂", count: 10_000)), on: Self.workspace)
    let reason = try #require(changes(fixture).last?.endpoint.disabledReason)
    #expect(reason.utf8.count <= WebhookEndpoint.maximumReasonSize && reason.hasSuffix("…"))
  }

  @Test("A deleted endpoint is published without secrets, and no command finds it")
  func deletion() throws {
    var (fixture, id) = withEndpoint()
    #expect(fixture.decide(.deleteWebhook(id), on: Self.workspace).status == 204)
    let change = try #require(changes(fixture).last)
    #expect(change.change == .deleted && change.endpoint.version == 2 && change.endpoint.sealedSecret.isEmpty)
    for operation in [
      Command.Operation.deleteWebhook(id), .disableWebhook(id, reason: "x"), .writeWebhook(.enable(id)), .orderWebhook(.test(id)),
      .writeWebhook(.update(id, WebhookSubscription(url: Self.url))),
    ] {
      #expect(fixture.decide(operation, on: Self.workspace).status == 404, "\(operation)")
    }
    // Its id is not used again.
    #expect(create(id, in: &fixture).status == 409)
  }

  @Test("Orders are published for group-sync")
  func orders() throws {
    var (fixture, id) = withEndpoint()
    let orders: [WebhookOrder] = [
      .test(id), .skip(id, workspace: Fixture.workspace, sequence: 4), .redeliver(id, workspace: nil, since: Fixture.start),
    ]
    for order in orders { #expect(fixture.decide(.orderWebhook(order), on: Self.workspace).status == 204) }
    let published = fixture.decider.events.compactMap { if case .webhookOrdered(let event) = $0.event { event } else { nil } }
    #expect(published.map(\.order) == orders)
    #expect(published.allSatisfy { $0.workspace == Fixture.workspace && $0.actor == "service:test" })
    let elsewhere = WorkspaceID.made(at: Fixture.start)
    for order: WebhookOrder in [
      .skip(id, workspace: elsewhere, sequence: 4), .skip(id, workspace: Fixture.workspace, sequence: 0),
      .redeliver(id, workspace: elsewhere, since: Fixture.start), .redeliver(id, workspace: nil, since: Fixture.start + 1),
    ] {
      #expect(fixture.decide(.orderWebhook(order), on: Self.workspace).status == 400, "\(order)")
    }
  }

  @Test("An endpoint of the deployment belongs to no workspace, and receives orders about each")
  func deployment() throws {
    var fixture = Fixture()
    let id = WebhookID(fixture.id().uuid)
    func decide(_ operation: Command.Operation, in workspace: WorkspaceID) -> Reply.Outcome {
      var command = fixture.command(operation, on: workspace.resource)
      command.workspace = workspace
      return fixture.decider.decide(ParsedCommand(command)).outcome
    }
    let creation = Command.Operation.writeWebhook(.create(id, WebhookSubscription(url: Self.url), sealedSecret: Self.secret))
    #expect(decide(creation, in: .made(at: Fixture.start)).status == 404)
    #expect(decide(creation, in: .deployment).status == 204)
    #expect(changes(fixture).map(\.endpoint.workspace) == [.deployment])
    #expect(decide(.orderWebhook(.skip(id, workspace: Fixture.workspace, sequence: 1)), in: .deployment).status == 204)
    // A workspace does not find it.
    #expect(decide(.deleteWebhook(id), in: Fixture.workspace).status == 404)
    #expect(decide(.restate(Restatement(workspace: true)), in: .deployment).status == 204)
    #expect(changes(fixture).map(\.change) == [.created, .restated])
  }

  @Test("A restatement of the workspace publishes its endpoints and deletions again")
  func restatement() {
    var (fixture, id) = withEndpoint()
    let deleted = WebhookID(fixture.id().uuid)
    #expect(create(deleted, in: &fixture).status == 204)
    fixture.decide(.deleteWebhook(deleted), on: Self.workspace)
    fixture.decide(.restate(Restatement(users: [])), on: Self.workspace)
    #expect(changes(fixture).count == 3)
    fixture.decide(.restate(Restatement(workspace: true)), on: Self.workspace)
    let restated = changes(fixture).dropFirst(3)
    #expect(restated.map(\.endpoint.id) == [id, deleted] && restated.map(\.change) == [.restated, .deleted])
    #expect(restated.map(\.endpoint.version) == [1, 2])
  }

  @Test("The audit trail has what changed and who did it, but no secret")
  func audit() throws {
    var (fixture, id) = withEndpoint()
    let secretURL = "https://app.example.com/hook?token=s3cr3t"
    for operation in [
      Command.Operation.writeWebhook(.update(id, WebhookSubscription(url: secretURL))),
      .writeWebhook(.update(id, WebhookSubscription(url: "https://ana:s3cr3t@app.example.com"))),
      .writeWebhook(.rotateSecret(id, sealedSecret: Self.other, formerUntil: Fixture.start + 60)),
      .writeWebhook(.rotateSecret(id, sealedSecret: Self.secret, formerUntil: nil)), .disableWebhook(id, reason: "410 Gone"),
      .deleteWebhook(id),
    ] {
      fixture.decide(operation, on: Self.workspace)
    }
    let records = fixture.decider.audited
    #expect(
      records.map(\.action)
        == ["write-webhook", "write-webhook", "write-webhook", "write-webhook", "write-webhook", "disable-webhook", "delete-webhook"])
    #expect(records.allSatisfy { $0.target == "webhook \(id)" && $0.actor == "service:test" })
    for record in records {
      let text = record.summary + (record.detail ?? "")
      #expect(!text.contains("s3cr3t"), "\(text)")
      for secret in [Self.secret, Self.other] { #expect(!text.contains(Data(secret).base64EncodedString()), "\(text)") }
    }
    #expect(records[1].summary.contains("https://app.example.com/hook"))
    #expect(records[2].status == 400)
    #expect(records[5].summary.contains("410 Gone"))
  }
}
