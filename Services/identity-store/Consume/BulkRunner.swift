import Foundation
import Models
import SCIM
import ServiceLifecycle

/// Processes a bulk request, operation by operation (RFC 7644 §3.7).
///
/// Each operation is a transaction, like a batch with one command: it is retried, dead-lettered and recorded under its own command id, and
/// rejected after the deadline. A bulk request is therefore a sequence of commands that may depend on the outcomes of earlier ones. It
/// needs no state of its own to be resumed.
///
/// Bulk requests run concurrently with the batches. Order is preserved: no client can refer to resources of a bulk request before its
/// reply, and each transaction locks existing rows and names.
struct BulkRunner: Sendable {
  let processor: CommandProcessor
  /// Limits concurrent operations of all bulks.
  var slots = BulkSlots(1)
  /// Called after the commit of each transaction.
  let onCommit: @Sendable (CommittedCommands) async -> Void

  /// Processes the operations of `bulk`, which `received` contains, and returns the reply to it.
  ///
  /// - Throws: ``BulkInterrupted`` at graceful shutdown. Completed operations are recorded, and the next process resumes after them.
  func run(_ received: ReceivedCommand, _ bulk: Bulk) async throws -> Reply {
    var progress = BulkProgress(bulk, failedReference: Self.failedReference)
    while let next = progress.next() {
      if Task.isShuttingDownGracefully { throw BulkInterrupted() }
      let commands = try next.map { try ReceivedCommand($0.operation, $0.write, of: received) }
      let isCycle = next.first?.operation.cycle != nil
      let replies = try await slots.withSlot {
        isCycle
          ? try await processor.processAtomically(commands, onCommit: onCommit)
          : try await processor.process(commands, writeSet: WriteSet(of: commands.lazy.map(\.read)), onDecided: {}, onCommit: onCommit)
      }
      progress.take(replies.map(\.outcome))
    }
    return Reply(command: received.read.command.id, outcome: .bulk(progress.outcomes))
  }

  private static func failedReference(_ id: ResourceID, _ status: Int) -> Bulk.Outcome {
    let error = SCIMError.failedReference(id.description, status: status)
    return .refused(status: error.status, error: error.body())
  }
}

/// The error for a bulk request that a graceful shutdown interrupts. Its offset is not committed, so it is delivered again.
struct BulkInterrupted: Error {}
