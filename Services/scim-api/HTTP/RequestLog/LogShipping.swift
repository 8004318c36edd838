import Kafka
import Logging
import Models
import ProvisioningLog
import ServiceLifecycle

/// Sends the entries of the provisioning log to Kafka in batches, in the background.
package struct LogShipping: Service {
  /// The requests to send.
  package let buffer: LogBuffer
  /// The `source` of the messages: this process.
  package let source: String
  /// The Kafka producer.
  package let producer: any MessageProducer

  /// A service that sends the requests in `buffer` through `producer`.
  ///
  /// - Parameter source: the `source` of the messages: this process.
  package init(buffer: LogBuffer, source: String, producer: any MessageProducer) {
    self.buffer = buffer
    self.source = source
    self.producer = producer
  }

  /// How long requests are collected for one batch.
  private static let batchDelay = Duration.milliseconds(100)
  private static let maximumBatch = 500
  private static let wakeInterval = Duration.seconds(10)

  /// How long the remaining requests may take at graceful shutdown.
  private static let shutdownTimeout = Duration.seconds(5)

  /// Sends until graceful shutdown, and then the remaining requests.
  package func run() async throws {
    await withTaskCancellationHandler {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await ship() }
        group.addTask { await wake() }
        group.addTask {
          do {
            try await gracefulShutdown()
            buffer.close()
            try await Task.sleep(for: Self.shutdownTimeout)
          } catch {
            // Cancelled: everything is sent, or the process ends immediately.
          }
        }
        // The first task to finish ends the others.
        await group.next()
        group.cancelAll()
      }
    } onCancel: {
      buffer.close()
    }
  }

  /// Periodically wakes the sender for entries whose count has risen.
  private func wake() async {
    while true {
      do { try await Task.sleep(for: Self.wakeInterval) } catch { return }
      buffer.wakeForUnverified()
    }
  }

  private func ship() async {
    while true {
      await buffer.waitForMore()
      // Larger batches cost less than a short delay; a closed buffer is sent immediately.
      if !buffer.isClosed {
        do { try await Task.sleep(for: Self.batchDelay) } catch { buffer.close() }
      }
      let requests = buffer.take(Self.maximumBatch)
      let unverified = buffer.takeUnverified()
      if requests.isEmpty, unverified.isEmpty {
        if buffer.isClosed { return }
        continue
      }
      let messages = (requests.flatMap { $0.entries() } + unverified).map { entry in
        OutgoingMessage(entry.cloudEvent(source: source), topic: .provisioningLog, key: "\(entry.workspace)")
      }
      do {
        try await producer.send(contentsOf: messages)
      } catch {
        // If Kafka rejects some messages of a batch, it has accepted the others.
        buffer.drop((error as? KafkaError).map(\.failedIndices.count) ?? requests.count + unverified.count, because: "\(error)")
        if Task.isCancelled { return }
      }
    }
  }
}
