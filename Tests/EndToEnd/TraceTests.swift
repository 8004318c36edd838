import Credentials
import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Traces")
  struct Traces {
    /// The spans of a POST that creates a person: service, name and kind.
    private static let expected: Set<[String]> = [
      ["scim-api", "send identity.commands", "4"],
      ["identity-store", "process identity.commands", "5"], ["identity-store", "process batch", "5"],
      ["identity-store", "load", "3"], ["identity-store", "write and commit", "3"],
      ["invitation-mailer", "process identity.events", "5"], ["invitation-mailer", "process batch", "5"],
      ["invitation-mailer", "store events", "3"], ["invitation-mailer", "claim invitation", "3"],
      ["invitation-mailer", "send invitation", "3"],
      ["group-sync", "process identity.events", "5"], ["group-sync", "process batch", "5"],
      ["group-sync", "store events", "3"], ["group-sync", "POST", "3"],
    ]

    @Test("One trace of a POST has spans of all four services, to the mail and the webhook", .timeLimit(.minutes(5)))
    func trace() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let owner = try #require(AccessToken(workspace.identityProvider.token)).workspace
      let (receiver, collector) = (try WebhookReceiver(), try TraceCollector(port: deployment.collectorPort))
      try await running([receiver, collector]) {
        try await receiver.ready()
        try await collector.ready()
        let (webhook, secret) = (WebhookID.made(at: Date()), WebhookSecret.made())
        let seal = try #require(WebhookSeal(secret: Deployment.webhookKey))
        let subscription = WebhookSubscription(url: receiver.url())
        try await deployment.send(
          Command(
            id: .made(at: Date()), workspace: owner, resource: owner.resource, actor: .operator("ana"), issuedAt: Date(),
            operation: .writeWebhook(.create(webhook, subscription, sealedSecret: try seal.seal(secret, for: webhook)))))
        try await eventually("group-sync to know the endpoint") {
          try await deployment.integer("select count(*) from directory.webhook_endpoints where id = '\(webhook)'") == 1
        }

        // Then group-sync takes the next event from memory, which has its trace.
        _ = try await workspace.identityProvider.create("first@\(workspace.slug).example")
        try await eventually("the first webhook") { !receiver.requests.isEmpty }
        #expect(collector.spans.isEmpty)

        let id = UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
        let parent = "00f067aa0ba902b7"
        var idp = workspace.identityProvider
        idp.traceparent = "00-\(id)-\(parent)-01"
        _ = try await idp.create("traced@\(workspace.slug).example")

        let spans = { collector.spans.filter { $0.traceID == id } }
        try await eventually("all spans; there are \(spans().map { [$0.service, $0.name] })") {
          Self.expected.isSubset(of: spans().map { [$0.service, $0.name, String($0.kind)] }) && spans().contains { $0.kind == 2 }
        }
        let received = spans()
        let root = try #require(received.first { $0.kind == 2 })
        #expect(root.service == "scim-api" && root.parentID == parent && root.name.hasPrefix("POST /api/v2/scim"))
        #expect(root.attributes["http.response.status_code"] == "201")
        // Every other span has a parent in the trace.
        let ids = Set(received.map(\.id))
        #expect(received.allSatisfy { $0 == root || $0.parentID.map(ids.contains) == true })
        #expect(received.allSatisfy { !$0.isError })
        // The product can continue the trace.
        let post = try #require(received.first { $0.service == "group-sync" && $0.name == "POST" })
        #expect(receiver.requests.contains { $0.traceparent == "00-\(id)-\(post.id)-01" })
        // Traces are kept outside of the suite, so they have no personal data.
        #expect(received.allSatisfy { span in span.attributes.values.allSatisfy { !$0.contains("traced@") } })

        idp.traceparent = "00-\(id)-\(parent)-00"
        _ = try await idp.create("untraced@\(workspace.slug).example")
        try await eventually("the webhook of the third person") { Set(receiver.requests.map(\.sequence)).count == 3 }
        #expect(collector.spans.count { $0.kind == 2 && $0.parentID == parent } == 1)

        try await deployment.send(
          Command(
            id: .made(at: Date()), workspace: owner, resource: owner.resource, actor: .operator("ana"), issuedAt: Date(),
            operation: .deleteWebhook(webhook)))
      }
    }
  }
}
