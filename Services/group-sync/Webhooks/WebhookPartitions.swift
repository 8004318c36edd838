import Kafka
import Logging
import Models
import Outbox
import ServiceLifecycle

/// Tells the dispatcher which workspaces belong to this process, whenever partitions of `identity.events` are assigned to it or revoked.
struct WebhookPartitions: Service {
  let consumer: Consumer
  let dispatcher: WebhookDispatcher
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in consumer.assignmentChanges {
        do {
          try await assign()
        } catch is CancellationError {
          return
        } catch {
          logger.error("webhooks of this process are not delivered until the next rebalancing", metadata: ["error": "\(error)"])
        }
      }
    }
  }

  private func assign() async throws {
    let partitions = Set(consumer.assignment.map(\.partition))
    // Without partitions nothing is delivered, and their number is of no interest.
    guard !partitions.isEmpty else { return dispatcher.assign(WorkspaceOwnership()) }
    let count = try await RetryPolicy(logger: logger).run("counting partitions") { [consumer] in
      try await consumer.partitionCount(of: .identityEvents)
    }
    dispatcher.assign(WorkspaceOwnership(partitions: partitions, count: count))
  }
}
