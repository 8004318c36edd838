import Credentials
import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Webhook deliveries")
  struct WebhookDeliveries {
    @Test("A change over SCIM arrives at the product, signed; nothing is lost when group-sync is killed", .timeLimit(.minutes(5)))
    func delivery() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let owner = try #require(AccessToken(workspace.identityProvider.token)).workspace
      let receiver = try WebhookReceiver()
      try await receiver.during {
        let (id, secret) = (WebhookID.made(at: Date()), WebhookSecret.made())
        let seal = try #require(WebhookSeal(secret: Deployment.webhookKey))
        try await deployment.send(
          Command(
            id: .made(at: Date()), workspace: owner, resource: owner.resource, actor: .operator("ana"), issuedAt: Date(),
            operation: .writeWebhook(.create(id, WebhookSubscription(url: receiver.url()), sealedSecret: try seal.seal(secret, for: id)))))
        try await eventually("group-sync to know the endpoint") {
          try await deployment.integer("select count(*) from directory.webhook_endpoints where id = '\(id)'") == 1
        }

        let ana = try await workspace.identityProvider.create("ana@\(workspace.slug).example")
        try await eventually("the first event") { receiver.requests.count == 1 }
        let first = try #require(receiver.requests.first)
        #expect(first.type == "member.invited" && first.sequence == 1)
        #expect(first.signature == secret.signature(id: first.id, timestamp: first.timestamp, body: first.body))
        #expect(String(decoding: first.body, as: UTF8.self).contains(ana))

        for number in 1...5 { _ = try await workspace.identityProvider.create("before\(number)@\(workspace.slug).example") }
        try await deployment.restart("group-sync", by: SIGKILL)
        for number in 1...5 { _ = try await workspace.identityProvider.create("after\(number)@\(workspace.slug).example") }
        try await eventually("all events") { Set(receiver.requests.compactMap(\.sequence)) == Set(1...11) }
        // Repetitions have the ids of the first attempts, and no event overtakes another.
        let ids = Dictionary(grouping: receiver.requests, by: \.sequence).mapValues { Set($0.map(\.id)) }
        #expect(ids.values.allSatisfy { $0.count == 1 } && Set(ids.values.joined()).count == 11)
        var seen: Set<Int64> = []
        #expect(receiver.requests.compactMap(\.sequence).filter { seen.insert($0).inserted } == Array(1...11))

        try await deployment.send(
          Command(
            id: .made(at: Date()), workspace: owner, resource: owner.resource, actor: .operator("ana"), issuedAt: Date(),
            operation: .deleteWebhook(id)))
      }
    }
  }
}

extension WebhookReceiver {
  /// Runs the server for as long as `body` takes.
  func during(_ body: () async throws -> Void) async throws {
    try await running([self]) {
      try await ready()
      try await body()
    }
  }
}
