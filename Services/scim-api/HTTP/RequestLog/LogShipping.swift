import Kafka
import Logging
import Models
import ProvisioningLog
import ServiceLifecycle

/// Sends what is to be logged to Kafka, in batches, behind the requests' backs.
package struct LogShipping: Service {
  /// The requests to be sent.
  package let buffer: LogBuffer
  /// This process, as its messages name it.
  package let source: String
  /// Sends them to Kafka.
  package let producer: any MessageProducer

  /// Sends the requests in `buffer`; `source` is this process, as its messages name it.
  package init(buffer: LogBuffer, source: String, producer: any MessageProducer) {
    self.buffer = buffer
    self.source = source
    self.producer = producer
  }

  /// How long requests are gathered for one batch.
  private static let gathering = Duration.milliseconds(100)
  private static let maximumBatch = 500
  private static let wakeInterval = Duration.seconds(10)

  /// How long what waits at the end is tried to be sent.
  private static let patience = Duration.seconds(5)

  /// Sends until graceful shutdown, and then what is left.
  package func run() async throws {
    await withTaskCancellationHandler {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await ship() }
        group.addTask { await wake() }
        group.addTask {
          do {
            try await gracefulShutdown()
            buffer.close()
            try await Task.sleep(for: Self.patience)
          } catch {
            // Cancelled: all is sent, or the process ends at once.
          }
        }
        // Whichever comes first ends the other.
        await group.next()
        group.cancelAll()
      }
    } onCancel: {
      buffer.close()
    }
  }

  /// Looks after entries whose count rises.
  private func wake() async {
    while true {
      do { try await Task.sleep(for: Self.wakeInterval) } catch { return }
      buffer.wakeForUnverified()
    }
  }

  private func ship() async {
    while true {
      await buffer.waitForMore()
      // A lone request need not be seen at once, and many together cost less; at the end nothing is waited for.
      if !buffer.isClosed {
        do { try await Task.sleep(for: Self.gathering) } catch { buffer.close() }
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
        // Of a batch in which one entry is refused the others are safe.
        buffer.drop((error as? KafkaError).map(\.failedIndices.count) ?? requests.count + unverified.count, because: "\(error)")
        if Task.isCancelled { return }
      }
    }
  }
}
