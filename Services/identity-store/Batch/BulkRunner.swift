import Foundation
import Models
import SCIM
import ServiceLifecycle

/// Carries out a bulk, operation by operation (RFC 7644 §3.7).
///
/// Each operation is a transaction as a batch of one would be, with all that goes with it: retries, the poisoned one alone in the dead
/// letters, its reply recorded under its own command id, refused once the deadline has passed. A bulk is thus nothing but a sequence of
/// commands of which the next one may depend on what became of the last; it needs no state of its own to be resumed.
///
/// It runs beside the batches, which go on meanwhile. Nothing is lost by that: between a bulk and the commands next to it on the topic
/// there is no order to keep, since nobody can refer to what the bulk makes before it is answered, and for what exists rows and names are
/// locked by each transaction.
struct BulkRunner: Sendable {
  let runner: BatchProcessor
  /// Where operations are carried out beside those of other bulks.
  var slots = BulkSlots(1)
  /// Called when an operation is committed.
  let committed: @Sendable () -> Void

  /// The reply to `received`, whose operations are those of `bulk`.
  ///
  /// - Throws: ``BulkInterrupted`` where the process is to end: the operations so far are recorded, the next process goes on.
  func run(_ received: ReceivedCommand, _ bulk: Bulk) async throws -> Reply {
    var progress = BulkProgress(bulk, failedReference: Self.failedReference)
    while let next = progress.next() {
      if Task.isShuttingDownGracefully { throw BulkInterrupted() }
      let commands = try next.map { try ReceivedCommand($0.operation, $0.write, of: received) }
      let isCircular = next.first?.operation.circle != nil
      let replies = try await slots.withSlot {
        try await runner.run(commands, together: isCircular, touches: WriteSet(of: commands.lazy.map(\.read))) {}
      }
      committed()
      progress.take(replies.map(\.outcome))
    }
    return Reply(command: received.read.command.id, outcome: .bulk(progress.outcomes))
  }

  private static func failedReference(_ id: ResourceID, _ status: Int) -> Bulk.Outcome {
    let error = SCIMError.failedReference(id.description, status: status)
    return .refused(status: error.status, error: error.body())
  }
}

/// The process ends before the bulk does. Its message comes again.
struct BulkInterrupted: Error {}
