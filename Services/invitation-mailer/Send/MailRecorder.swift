import Foundation
import Models
import Outbox
import Postgres

/// Writes down what became of mails, together what comes together: one commit for as many as arrived while the last was under way.
actor MailRecorder {
  private let store: InvitationStore
  private let patience: RetryPolicy
  private var waiting: [(outcomes: [MailOutcome], done: CheckedContinuation<Void, any Error>)] = []
  private var isWriting = false

  init(store: InvitationStore, patience: RetryPolicy) {
    self.store = store
    self.patience = patience
  }

  /// Returns when `outcomes` are committed.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is away; an error that waiting does not mend.
  func record(_ outcomes: [MailOutcome]) async throws {
    guard !isWriting else {
      return try await withCheckedThrowingContinuation { waiting.append((outcomes, $0)) }
    }
    isWriting = true
    let result = await write(outcomes)
    while !waiting.isEmpty {
      let next = waiting
      waiting = []
      let written = await write(next.flatMap(\.outcomes))
      for (_, done) in next { done.resume(with: written) }
    }
    isWriting = false
    try result.get()
  }

  private func write(_ outcomes: [MailOutcome]) async -> Result<Void, any Error> {
    do {
      try await patience.run("recording sent invitations") { [store] in try await store.record(outcomes, at: .now) }
      return .success(())
    } catch {
      return .failure(error)
    }
  }
}
