import Credentials
import Foundation
import Kafka
import Logging
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Webhook endpoints")
  struct Webhooks {
    /// A name that never resolves (RFC 6761 §6.4), so that nothing is sent to anybody.
    private static let url = "https://product.invalid/rollcall"

    @Test("An endpoint is created, disabled after failures, enabled and published again; the administrator is mailed")
    func lifeOfAnEndpoint() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let address = "it@\(workspace.slug).example"
      try await workspace.scimctl(["workspace", "guard", "set", workspace.slug, "--deactivations", "100", "--notify", address])
      let owner = try #require(AccessToken(workspace.identityProvider.token)).workspace
      let id = WebhookID.made(at: Date())
      let seal = try #require(WebhookSeal(secret: Deployment.webhookKey))
      let secret = WebhookSecret.made()

      let creation = Self.command(
        .writeWebhook(
          .create(
            id, WebhookSubscription(url: Self.url, types: ["member.updated"]), sealedSecret: try seal.seal(secret, for: id))),
        in: owner)
      // The second copy finds the recorded reply of the first one.
      for _ in 0..<2 { try await deployment.send(creation) }
      try await deployment.send(Self.command(.disableWebhook(id, reason: "500 Internal Server Error"), in: owner, expecting: [1]))
      let disabled = try #require(try await changes(of: id, until: 2, in: deployment).last)
      #expect(disabled.change == .disabled && disabled.isFailure)
      #expect(try seal.secrets(of: disabled.endpoint, at: Date()) == [secret])

      try await eventually("the administrator's mail") { try await deployment.mails(to: address).count == 1 }
      let mail = try #require(try await deployment.mails(to: address).first)
      #expect(mail["Subject"] == "Webhook deliveries of \(Self.name(of: workspace)) have stopped")
      #expect(mail.text?.contains("500 Internal Server Error") == true)

      // A late command of group-sync does not disable the endpoint again.
      try await deployment.send(Self.command(.writeWebhook(.enable(id)), in: owner, by: .operator("eve")))
      try await deployment.send(Self.command(.disableWebhook(id, reason: "late"), in: owner, expecting: [1]))
      try await workspace.scimctl(["rebuild", "--workspace", workspace.slug])
      let all = try await changes(of: id, until: 4, in: deployment)
      #expect(all.map(\.change) == [.created, .disabled, .updated, .restated])
      #expect(all.last?.endpoint.state == .enabled && all.last?.endpoint.version == 3)
      #expect(try await deployment.mails(to: address).count == 1)
      try await deployment.send(Self.command(.deleteWebhook(id), in: owner))
    }

    @Test("An endpoint of the deployment belongs to no workspace, and the operator is mailed about it")
    func deploymentWide() async throws {
      let deployment = try await Deployment.shared()
      let id = WebhookID.made(at: Date())
      try await deployment.send(
        Self.command(
          .writeWebhook(.create(id, WebhookSubscription(url: Self.url), sealedSecret: [UInt8](repeating: 1, count: 60))), in: .deployment))
      try await deployment.send(Self.command(.disableWebhook(id, reason: "410 Gone"), in: .deployment))
      try await eventually("the operator's mail") {
        try await deployment.mails(to: Deployment.operatorAddress).contains { $0.text?.contains(id.description) == true }
      }
      #expect(
        try await deployment.integer("select count(*) from identity_read.webhook_endpoints where id = '\(id)' and state = 'disabled'") == 1)
      try await deployment.send(Self.command(.deleteWebhook(id), in: .deployment))
      #expect(try await changes(of: id, until: 3, in: deployment).map(\.change) == [.created, .disabled, .deleted])
    }

    @Test("A URL with a password is refused, and nobody stores it")
    func passwordInURL() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let owner = try #require(AccessToken(workspace.identityProvider.token)).workspace
      let id = WebhookID.made(at: Date())
      let command = Self.command(
        .writeWebhook(
          .create(
            id, WebhookSubscription(url: "https://ana:s3cr3t-pass@product.invalid"), sealedSecret: [UInt8](repeating: 1, count: 60))),
        in: owner)
      try await deployment.send(command)
      let reply = "from identity.replies where command_id = '\(command.id)'"
      try await eventually("the reply") { try await deployment.integer("select count(*) \(reply)") == 1 }
      #expect(try await deployment.integer("select (convert_from(data, 'UTF8')::jsonb ->> 'status')::int8 \(reply)") == 400)
      #expect(try await deployment.integer("select count(*) \(reply) and convert_from(data, 'UTF8') like '%s3cr3t-pass%'") == 0)
      #expect(try await deployment.integer("select count(*) from identity.webhook_endpoints where id = '\(id)'") == 0)
      let audited = "from identity.audit where command_id = '\(command.id)'"
      #expect(try await deployment.integer("select count(*) \(audited) and status = 400") == 1)
      #expect(try await deployment.integer("select count(*) \(audited) and (summary || coalesce(detail, '')) like '%s3cr3t-pass%'") == 0)
      #expect(await deployment.logs.values.allSatisfy { !$0.contains("s3cr3t-pass") })
    }

    private static func command(
      _ operation: Command.Operation, in workspace: WorkspaceID, by actor: Command.Actor = .service("group-sync"),
      expecting versions: [Int64]? = nil
    ) -> Command {
      Command(
        id: .made(at: Date()), workspace: workspace, resource: workspace.resource, actor: actor, issuedAt: Date(),
        expectedVersions: versions,
        operation: operation)
    }

    private static func name(of workspace: Workspace) -> String {
      "Workspace \(workspace.slug.dropFirst("workspace-".count))"
    }

    /// The published changes of an endpoint, each once, as soon as there are `count`.
    private func changes(of id: WebhookID, until count: Int, in deployment: Deployment) async throws -> [WebhookChanged] {
      @Sendable func changes(_ events: [CloudEvent]) -> [WebhookChanged] {
        var seen: Set<String> = []
        return events.filter { $0.type == "rollcall.webhook.changed.v1" && $0.subject == id.description && seen.insert($0.id).inserted }
          .compactMap { event in
            guard case .webhookChanged(let change)? = try? IdentityEvent(event) else { return nil }
            return change
          }
      }
      return changes(try await deployment.messages(on: .identityEvents) { changes($0).count >= count })
    }
  }
}

extension Deployment {
  /// Sends a command for which nobody waits.
  nonisolated func send(_ command: Command) async throws {
    let producer = try Producer(kafka, logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
    try await producer.send(
      OutgoingMessage(try command.cloudEvent(source: "end-to-end"), topic: .identityCommands, key: command.workspace.description))
    await producer.close()
  }
}
