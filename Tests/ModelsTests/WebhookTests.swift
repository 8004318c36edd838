import Foundation
import Models
import Testing

@Suite("Webhook endpoints")
struct WebhookTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.25)
  private static let workspace = WorkspaceID.made(at: time)
  private static let id = WebhookID.made(at: time)

  private static let endpoint = WebhookEndpoint(
    id: id, workspace: workspace, url: "https://app.example.com/rollcall?x=1", description: "Zoë's service",
    types: [.accessRevoked, .memberUpdated], sealedSecret: [0, 255, 7], formerSealedSecret: [1], formerSecretUntil: time, state: .disabled,
    disabledReason: "410 Gone", disabledAt: time, createdAt: time, version: 3)

  private static let writes: [WebhookEndpointWrite] = [
    .create(id, WebhookSubscription(url: "https://app.example.com", description: "x", types: ["member.updated"]), sealedSecret: [0, 255]),
    .update(id, WebhookSubscription(url: "https://app.example.com")), .rotateSecret(id, sealedSecret: [9], formerUntil: time),
    .rotateSecret(id, sealedSecret: [9], formerUntil: nil), .enable(id),
  ]

  @Test("Every write round-trips", arguments: writes)
  func roundTrips(write: WebhookEndpointWrite) throws {
    #expect(try roundTrip(.writeWebhook(write)) == .writeWebhook(write))
    #expect(write.webhook == Self.id)
  }

  private static let orders: [WebhookOrder] = [
    .test(id), .skip(id, workspace: workspace, sequence: 17), .redeliver(id, workspace: nil, since: time),
    .redeliver(id, workspace: workspace, since: time),
  ]

  @Test("Every order round-trips", arguments: orders)
  func roundTrips(order: WebhookOrder) throws {
    #expect(try roundTrip(.orderWebhook(order)) == .orderWebhook(order))
    #expect(order.webhook == Self.id)
  }

  private func roundTrip(_ operation: Command.Operation) throws -> Command.Operation {
    let command = Command(
      id: .made(at: Self.time), workspace: Self.workspace, resource: Self.workspace.resource, actor: .console("Ana"), issuedAt: Self.time,
      operation: operation)
    let event = try command.cloudEvent(source: "scim-api/0")
    return try Command(CloudEvent(headers: event.headers, data: event.data)).operation
  }

  private static let events: [IdentityEvent] =
    WebhookChanged.Change.allCases.map {
      .webhookChanged(WebhookChanged(endpoint: endpoint, change: $0, actor: "token:1", changedAt: time))
    }
    + orders.map {
      .webhookOrdered(WebhookOrdered(id: .made(at: time), workspace: workspace, order: $0, actor: "token:1", orderedAt: time))
    }

  @Test("Every event round-trips, with the endpoint as its resource", arguments: events)
  func roundTrips(event: IdentityEvent) throws {
    let sent = try event.cloudEvent(id: event.identity, source: "identity-store/0", time: Self.time, traceparent: nil)
    let received = try CloudEvent(headers: sent.headers, data: sent.data)
    #expect(try IdentityEvent(received) == event)
    #expect(received.subject == Self.id.description)
    #expect(received.extensions["workspaceid"] == Self.workspace.description)
  }

  @Test("Secrets are in base64")
  func secrets() throws {
    let json = String(decoding: try JSONData.encode(Self.endpoint), as: UTF8.self)
    #expect(json.contains(#""sealedSecret":"AP8H""#))
  }

  @Test("A type of event that a newer release added is ignored, and does not widen the filter")
  func unknownTypes() throws {
    let json = String(decoding: try JSONData.encode(Self.endpoint), as: UTF8.self)
    func endpoint(types: String) throws -> WebhookEndpoint {
      let text = json.replacing(#"["access-revoked","member.updated"]"#, with: types)
      return try JSONData.decode(from: Array(text.utf8), type: "test")
    }
    #expect(try endpoint(types: #"["member.renamed","member.updated"]"#).types == [.memberUpdated])
    let unknownOnly = try endpoint(types: #"["member.renamed"]"#)
    #expect(unknownOnly.types == [])
    #expect(!unknownOnly.receives(.memberUpdated))
  }

  @Test("An endpoint without types receives all")
  func allTypes() {
    var endpoint = Self.endpoint
    #expect(endpoint.receives(.memberUpdated) && !endpoint.receives(.groupCreated))
    endpoint.types = nil
    #expect(DirectoryEvent.Kind.allCases.allSatisfy(endpoint.receives))
  }

  @Test("Only group-sync's disabling is a failure of deliveries")
  func failures() {
    func changed(_ change: WebhookChanged.Change, by actor: Command.Actor) -> Bool {
      WebhookChanged(endpoint: Self.endpoint, change: change, actor: actor.rawValue, changedAt: Self.time).isFailure
    }
    #expect(changed(.disabled, by: .service("group-sync")))
    #expect(!changed(.disabled, by: .console("Ana")) && !changed(.restated, by: .service("group-sync")))
  }
}
