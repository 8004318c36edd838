import DequeModule
import EdgeHTTP
import Synchronization

/// Reads by key that are asked for at the same time, answered by few statements: while as many are under way as may be, the keys that
/// come are gathered, and the next statement reads those of one owner together.
///
/// Owners take turns, so that one who asks for much makes another wait for one statement and no longer. A key that comes is never answered
/// by a statement that had begun before, so whoever asks sees every write that was acknowledged until then. No task of its own does the
/// reading: one of those who wait reads for all that were gathered with it.
final class BatchLoader<Owner: Hashable & Sendable, Key: Hashable & Sendable, Found: Sendable>: Sendable {
  /// Reads what there is of some different keys of one owner.
  typealias Read = @Sendable (Owner, [Key]) async throws -> [Key: Found]

  /// What someone who waited is told.
  private enum Turn: Sendable {
    case answer(Result<Found?, any Error>)
    /// Read these keys, your own among them, and tell those who wait.
    case read(BatchBuilder)
  }

  private typealias Waiter = CheckedContinuation<Turn, Never>
  private typealias BatchBuilder = [Key: [Waiter]]

  /// What one owner asks for.
  private struct Queue {
    var underWay = 0
    var order: Deque<Key> = []
    var waiting: BatchBuilder = [:]

    mutating func add(_ waiters: [Waiter], for key: Key) {
      if waiting[key, default: []].isEmpty { order.append(key) }
      waiting[key, default: []] += waiters
    }

    mutating func take(_ maximum: Int) -> (reader: Waiter, gathering: BatchBuilder)? {
      let keys = order.prefix(maximum)
      var gathering: BatchBuilder = [:]
      for key in keys { gathering[key] = waiting.removeValue(forKey: key) }
      order.removeFirst(keys.count)
      guard let first = keys.first, let reader = gathering[first]?.popLast() else { return nil }
      return (reader, gathering)
    }
  }

  private struct State {
    var underWay = 0
    var queues: [Owner: Queue] = [:]
    /// The owners that have keys waiting, in the order of their turns.
    var turns: Deque<Owner> = []

    mutating func add(_ waiters: [Waiter], for key: Key, of owner: Owner) {
      if queues[owner, default: Queue()].order.isEmpty { turns.append(owner) }
      queues[owner, default: Queue()].add(waiters, for: key)
    }

    mutating func begin(_ owner: Owner) {
      underWay += 1
      queues[owner, default: Queue()].underWay += 1
    }

    mutating func end(_ owner: Owner) {
      underWay -= 1
      queues[owner]?.underWay -= 1
      if let queue = queues[owner], queue.underWay == 0, queue.order.isEmpty { queues[owner] = nil }
    }

    /// The keys of the next owner in turn that may have another statement.
    mutating func next(_ maximumKeys: Int, ofEach maximumPerOwner: Int) -> (reader: Waiter, owner: Owner, gathering: BatchBuilder)? {
      guard let index = turns.firstIndex(where: { (queues[$0]?.underWay ?? 0) < maximumPerOwner }) else { return nil }
      let owner = turns.remove(at: index)
      let taken = queues[owner]?.take(maximumKeys)
      if queues[owner]?.order.isEmpty == false { turns.append(owner) }
      return taken.map { ($0.reader, owner, $0.gathering) }
    }
  }

  private let state = Mutex(State())
  private let maximumStatements: Int
  private let maximumPerOwner: Int
  private let maximumKeys: Int
  private let read: Read

  /// - Parameters:
  ///   - maximumStatements: how many statements are under way at once.
  ///   - maximumPerOwner: how many of them are one owner's.
  ///   - maximumKeys: of how many keys one statement reads.
  init(maximumStatements: Int = 4, maximumPerOwner: Int = 2, maximumKeys: Int = 128, read: @escaping Read) {
    self.maximumStatements = maximumStatements
    self.maximumPerOwner = maximumPerOwner
    self.maximumKeys = maximumKeys
    self.read = read
  }

  /// How many wait for a statement that has not begun.
  var waitingCount: Int {
    state.withLock { $0.queues.values.reduce(0) { $0 + $1.waiting.values.reduce(0) { $0 + $1.count } } }
  }

  /// What there is of `key` of `owner`; nil where there is nothing.
  ///
  /// - Throws: What the read throws, with which this key was read.
  func found(for key: Key, of owner: Owner) async throws -> Found? {
    let turn = await withCheckedContinuation { waiter in
      if begin(or: waiter, for: key, of: owner) { waiter.resume(returning: .read([key: []])) }
    }
    switch turn {
    case .answer(let result): return try result.get()
    case .read(let gathering): return try await readAll(gathering, of: owner)[key]
    }
  }

  /// Takes a place for a statement where there is one; otherwise has `waiter` wait.
  private func begin(or waiter: Waiter, for key: Key, of owner: Owner) -> Bool {
    state.withLock { state in
      guard state.underWay >= maximumStatements || (state.queues[owner]?.underWay ?? 0) >= maximumPerOwner else {
        state.begin(owner)
        return true
      }
      state.add([waiter], for: key, of: owner)
      return false
    }
  }

  private func readAll(_ gathering: BatchBuilder, of owner: Owner) async throws -> [Key: Found] {
    defer { handOn(from: owner) }
    do {
      let found = try await read(owner, Array(gathering.keys))
      for (key, waiters) in gathering {
        for waiter in waiters { waiter.resume(returning: .answer(.success(found[key]))) }
      }
      return found
    } catch is CancellationError {
      // It was this task's end, not that of those who wait: they read for themselves.
      passOn(gathering, of: owner)
      throw CancellationError()
    } catch {
      for waiter in gathering.values.joined() { waiter.resume(returning: .answer(.failure(error))) }
      throw error
    }
  }

  /// Puts those who wait back among those who are to be read for.
  private func passOn(_ gathering: BatchBuilder, of owner: Owner) {
    state.withLock { state in
      for (key, waiters) in gathering where !waiters.isEmpty { state.add(waiters, for: key, of: owner) }
    }
  }

  /// Gives the place of a statement that has ended to one of those who wait.
  private func handOn(from owner: Owner) {
    let next = state.withLock { state -> (reader: Waiter, owner: Owner, gathering: BatchBuilder)? in
      state.end(owner)
      guard let next = state.next(maximumKeys, ofEach: maximumPerOwner) else { return nil }
      state.begin(next.owner)
      return next
    }
    next?.reader.resume(returning: .read(next?.gathering ?? [:]))
  }
}
