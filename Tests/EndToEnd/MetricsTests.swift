import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Metrics")
  struct MetricsTests {
    /// The value of a sample; nil if the service does not export it.
    private func value(_ sample: String, of service: String, _ deployment: Deployment) async throws -> Double? {
      try await deployment.metrics(of: service).split(separator: "\n").first { $0.hasPrefix(sample + " ") }
        .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    @Test("A push is measured up to its invitation, the event log and the commands of identity-store")
    func latency() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let samples = [
        ("invitation-mailer", "rollcall_push_to_invitation_seconds_count"),
        ("group-sync", #"rollcall_push_to_product_seconds_count{way="event-log"}"#),
        ("identity-store", "rollcall_store_commands_total"),
        ("scim-api", "kafka_request_seconds_count"),
      ]
      var before: [String: Double] = [:]
      for (service, sample) in samples {
        let found = try await value(sample, of: service, deployment)
        let start: Double = try #require(found, "\(sample)")
        before[sample] = start
      }
      _ = try await workspace.identityProvider.create("measured@\(workspace.slug).example")
      for (service, sample) in samples {
        let start = try #require(before[sample])
        try await eventually("\(sample) to grow") { try await value(sample, of: service, deployment) ?? 0 > start }
      }
    }

    @Test(
      "Each service exports its queues, its process and its build, and no label of a workspace",
      arguments: [
        ("scim-api", "http_requests_in_flight"), ("identity-store", #"kafka_outbox_oldest_seconds{table="identity.outbox"}"#),
        ("invitation-mailer", "rollcall_mailer_invitations_oldest_seconds"), ("group-sync", "rollcall_webhook_oldest_seconds"),
      ])
    func export(service: String, queue: String) async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      _ = try await workspace.identityProvider.create("exported@\(workspace.slug).example")
      try await eventually("\(queue) to be measured") { try await value(queue, of: service, deployment) != nil }
      #expect(try await value("process_cpu_seconds_total", of: service, deployment) ?? 0 > 0)
      #expect(try await value("rollcall_ready", of: service, deployment) != nil)
      let text = try await deployment.metrics(of: service)
      #expect(text.contains("\nrollcall_build_info{commit="))
      #expect(!text.contains(workspace.slug) && !text.lowercased().contains("workspace="))
    }
  }
}
