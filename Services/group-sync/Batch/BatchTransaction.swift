import Models
import Postgres

/// The batch is the transaction: load what it touches, decide each event, write the outcome, commit once.
struct BatchTransaction: Sendable {
  let pool: PostgresPool
  let loader = DirectoryLoader()
  let writer: DirectoryWriter

  /// Takes in `events`, in order.
  ///
  /// - Throws: `PostgresError`. Nothing is written then, unless the error says that the outcome of the commit is unknown; either way
  ///   the batch can be run again, since an event that is not newer changes nothing.
  func run(_ events: [ReceivedEvent]) async throws {
    let touches = WriteSet(of: events.lazy.map(\.event))
    guard !touches.isEmpty else { return }
    try await pool.transaction { transaction in
      let directory = try await loader.load(touches, in: transaction)
      var decider = Decider(directory)
      for event in events { decider.decide(event.event, traceparent: event.traceparent) }
      let steps = try await writer.steps(for: decider)
      if !steps.isEmpty { _ = try await transaction.pipeline(steps) }
    }
  }
}
