import Foundation
import Models
import SCIM
import ServiceLifecycle

/// Processes a bulk request (RFC 7644 §3.7).
///
/// Operations that do not refer to each other share a transaction, like the commands of a batch: they are decided in order, and each is
/// recorded under its own command id, and rejected after the deadline. If they fail together, they are processed one by one, and the one that
/// fails on its own is dead-lettered. Deciding ends at the error that ends the request (`failOnErrors`). A bulk request is therefore a
/// sequence of commands that may depend on the outcomes of earlier ones. It needs no state of its own to be resumed.
///
/// Bulk requests run concurrently with the batches. Order is preserved: no client can refer to resources of a bulk request before its
/// reply, and each transaction locks existing rows and names.
struct BulkRunner: Sendable {
  let processor: CommandProcessor
  /// Limits concurrent transactions of all bulks.
  var slots = BulkSlots(1)
  /// Called after the commit of each transaction.
  let onCommit: @Sendable () -> Void

  /// Processes the operations of `bulk`, which `received` contains, and returns the reply to it.
  ///
  /// - Throws: ``BulkInterrupted`` at graceful shutdown. Completed operations are recorded, and the next process resumes after them.
  func run(_ received: ReceivedCommand, _ bulk: Bulk) async throws -> Reply {
    var progress = BulkProgress(bulk, failedReference: Self.failedReference)
    while let next = progress.next(atMost: Self.maximumBatch) {
      if Task.isShuttingDownGracefully { throw BulkInterrupted() }
      let isCycle = next.first?.operation.cycle != nil
      let commands = try Self.commands(next, of: received, maximumWeight: isCycle ? .max : BatchSchedule.maximumWeight)
      let maximumErrors = progress.remainingErrors
      let replies = try await slots.withSlot {
        isCycle
          ? try await processor.processAtomically(commands)
          : try await processor.processFirst(of: commands, maximumErrors: maximumErrors)
      }
      onCommit()
      progress.take(replies.map(\.outcome))
    }
    return Reply(command: received.read.command.id, outcome: .bulk(progress.outcomes))
  }

  /// The commands of the first operations, at least one, that are not heavier than a transaction may be.
  private static func commands(
    _ operations: [(operation: Bulk.Operation, write: Command.Operation)], of bulk: ReceivedCommand, maximumWeight: Int
  ) throws -> [ReceivedCommand] {
    var commands: [ReceivedCommand] = []
    var weight = 0
    for (operation, write) in operations {
      let command = try ReceivedCommand(operation, write, of: bulk)
      weight += command.weight
      if weight > maximumWeight, !commands.isEmpty { break }
      commands.append(command)
    }
    return commands
  }

  /// The maximum number of operations of a transaction. It bounds how long a bulk request keeps its locks and its slot.
  static let maximumBatch = 100

  private static func failedReference(_ id: ResourceID, _ status: Int) -> Bulk.Outcome {
    let error = SCIMError.failedReference(id.description, status: status)
    return .refused(status: error.status, error: error.body())
  }
}

/// The error for a bulk request that a graceful shutdown interrupts. Its offset is not committed, so it is delivered again.
struct BulkInterrupted: Error {}
