import Kafka
import Logging
import Models
import ProvisioningLog
import ServiceLifecycle

/// Sends what is to be logged to Kafka, in batches, behind the requests' backs.
struct LogShipping: Service {
  /// Returns when the messages are safe.
  typealias Send = @Sendable ([OutgoingMessage]) async throws -> Void

  let buffer: LogBuffer
  /// This process, as its messages name it.
  let source: String
  let send: Send

  /// How long requests are gathered for one batch.
  private static let gathering = Duration.milliseconds(100)
  private static let maximumBatch = 500

  func run() async throws {
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await ship()
      } onGracefulShutdown: {
        buffer.close()
      }
    } onCancel: {
      buffer.close()
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
      if requests.isEmpty, buffer.isClosed { return }
      let messages = requests.flatMap { $0.entries() }.map { entry in
        OutgoingMessage(entry.cloudEvent(source: source), topic: .provisioningLog, key: "\(entry.workspace)")
      }
      do {
        try await send(messages)
      } catch {
        buffer.drop(requests.count, because: "\(error)")
        if Task.isCancelled { return }
      }
    }
  }
}
