import Synchronization

/// Bounds the bytes of all request bodies held at once, so that memory stays flat however many clients send large groups.
final class BodyBudget: Sendable {
  private let taken = Mutex(0)
  private let maximum: Int

  init(maximum: Int) {
    self.maximum = maximum
  }

  /// What one request holds of the budget.
  struct Share: ~Copyable {
    private let budget: BodyBudget
    private var bytes = 0

    init(of budget: BodyBudget) {
      self.budget = budget
    }

    deinit {
      let bytes = bytes
      budget.taken.withLock { $0 -= bytes }
    }

    /// - Throws: 503 where the budget has no room for `more` bytes.
    mutating func take(_ more: Int) throws(Refusal) {
      let maximum = budget.maximum
      try budget.taken.withLock { taken throws(Refusal) in
        guard taken + more <= maximum else { throw .overloaded() }
        taken += more
      }
      bytes += more
    }

    /// Gives back what is held, at the latest; without it that may be as soon as nothing more is taken.
    consuming func release() {}
  }
}
