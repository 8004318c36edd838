import Synchronization

/// Reads by key that are asked for at the same time, answered by few statements: while as many are under way as may be, the keys that
/// come are gathered, and the next statement reads all of them.
///
/// A key that comes is never answered by a statement that had begun before, so whoever asks sees every write that was acknowledged
/// until then. No task of its own does the reading: one of those who wait reads for all that were gathered with it.
final class GatheredReads<Key: Hashable & Sendable, Found: Sendable>: Sendable {
  /// Reads what there is of some different keys.
  typealias Read = @Sendable ([Key]) async throws -> [Key: Found]

  /// What someone who waited is told.
  private enum Turn: Sendable {
    case answer(Result<Found?, any Error>)
    /// Read these keys, your own among them, and tell those who wait.
    case read(Gathering)
  }

  private typealias Waiter = CheckedContinuation<Turn, Never>
  private typealias Gathering = [Key: [Waiter]]

  private struct State {
    var underWay = 0
    var order: [Key] = []
    var waiting: Gathering = [:]

    mutating func add(_ waiters: [Waiter], for key: Key) {
      if waiting[key, default: []].isEmpty { order.append(key) }
      waiting[key, default: []] += waiters
    }
  }

  private let state = Mutex(State())
  private let maximumStatements: Int
  private let maximumKeys: Int
  private let read: Read

  /// - Parameters:
  ///   - maximumStatements: how many statements are under way at once.
  ///   - maximumKeys: of how many keys one statement reads.
  init(maximumStatements: Int = 2, maximumKeys: Int = 128, read: @escaping Read) {
    self.maximumStatements = maximumStatements
    self.maximumKeys = maximumKeys
    self.read = read
  }

  /// How many wait for a statement that has not begun.
  var waitingCount: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

  /// What there is of `key`; nil where there is nothing.
  ///
  /// - Throws: What the read throws, with which this key was read.
  func found(for key: Key) async throws -> Found? {
    let turn = await withCheckedContinuation { waiter in
      if begin(or: waiter, for: key) { waiter.resume(returning: .read([key: []])) }
    }
    switch turn {
    case .answer(let result): return try result.get()
    case .read(let gathering): return try await readAll(gathering)[key]
    }
  }

  /// Takes a place for a statement where there is one; otherwise has `waiter` wait.
  private func begin(or waiter: Waiter, for key: Key) -> Bool {
    state.withLock { state in
      guard state.underWay >= maximumStatements else {
        state.underWay += 1
        return true
      }
      state.add([waiter], for: key)
      return false
    }
  }

  private func readAll(_ gathering: Gathering) async throws -> [Key: Found] {
    defer { handOn() }
    do {
      let found = try await read(Array(gathering.keys))
      for (key, waiters) in gathering {
        for waiter in waiters { waiter.resume(returning: .answer(.success(found[key]))) }
      }
      return found
    } catch is CancellationError {
      // It was this task's end, not that of those who wait: they read for themselves.
      passOn(gathering)
      throw CancellationError()
    } catch {
      for waiter in gathering.values.joined() { waiter.resume(returning: .answer(.failure(error))) }
      throw error
    }
  }

  /// Puts those who wait back among those who are to be read for.
  private func passOn(_ gathering: Gathering) {
    state.withLock { state in
      for (key, waiters) in gathering where !waiters.isEmpty { state.add(waiters, for: key) }
    }
  }

  /// Gives the place of a statement that has ended to one of those who wait.
  private func handOn() {
    let next = state.withLock { state -> (reader: Waiter, gathering: Gathering)? in
      let keys = state.order.prefix(maximumKeys)
      var gathering: Gathering = [:]
      for key in keys { gathering[key] = state.waiting.removeValue(forKey: key) }
      state.order.removeFirst(keys.count)
      guard let first = keys.first, let reader = gathering[first]?.popLast() else {
        state.underWay -= 1
        return nil
      }
      return (reader, gathering)
    }
    next?.reader.resume(returning: .read(next?.gathering ?? [:]))
  }
}
