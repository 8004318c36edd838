import Foundation
import Models
import Outbox
import Postgres

/// Records the results of mails in batches: while one commit runs, further results are collected for the next.
actor MailRecorder {
  private let store: InvitationStore
  private let retryPolicy: RetryPolicy
  private var waiting: [(outcomes: [MailOutcome], done: CheckedContinuation<Void, any Error>)] = []
  private var isWriting = false

  init(store: InvitationStore, retryPolicy: RetryPolicy) {
    self.store = store
    self.retryPolicy = retryPolicy
  }

  /// Returns when `outcomes` are committed.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is unavailable; an error that is not worth retrying.
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
      try await retryPolicy.run("recording sent invitations") { [store] in try await store.record(outcomes, at: .now) }
      return .success(())
    } catch {
      return .failure(error)
    }
  }
}
