import Logging
import ServiceLifecycle

extension Consumer {
  /// Processes batches one after the other, and commits the offsets of each.
  ///
  /// Returns at graceful shutdown, also when `process` is interrupted by it: the batch is not committed then, and is read again at the next
  /// start. Offsets that cannot be committed are logged, so `process` has to be idempotent.
  ///
  /// - Throws: ``KafkaError`` when the consumer cannot continue; the errors of `process`.
  public func processBatches(_ process: (Batch) async throws -> Void) async throws {
    do {
      for try await batch in batches {
        try await process(batch)
        do {
          try await commit(batch)
        } catch {
          logger.warning("offsets not committed", metadata: ["kafka.group": "\(group)", "error": "\(error)"])
        }
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.notice("stopped with an unfinished batch; it is read again at the next start", metadata: ["kafka.group": "\(group)"])
    }
  }
}
