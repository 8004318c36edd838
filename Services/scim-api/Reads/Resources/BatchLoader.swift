import DequeModule
import EdgeHTTP
import Synchronization

/// A loader that combines concurrent reads by key into batches.
///
/// While the maximum number of statements is running, requested keys are queued. The next statement reads the queued keys of one owner.
/// Owners are served round-robin, so a busy owner delays another by one statement at most. A statement only serves keys that were requested
/// before it started, so callers see every write that was acknowledged before their request. The loader has no task of its own: one of the
/// waiting callers runs the statement for the whole batch.
final class BatchLoader<Owner: Hashable & Sendable, Key: Hashable & Sendable, Found: Sendable>: Sendable {
  /// Reads distinct keys of one owner; keys without a value are left out of the result.
  typealias Read = @Sendable (Owner, [Key]) async throws -> [Key: Found]

  /// How a waiting caller is resumed.
  private enum Resumption: Sendable {
    /// With the result for its key.
    case result(Result<Found?, any Error>)
    /// To read a batch, which includes its own key, and to resume the other waiters.
    case read(Batch)
  }

  private typealias Waiter = CheckedContinuation<Resumption, Never>
  private typealias Batch = [Key: [Waiter]]

  /// The queued keys of one owner.
  private struct Queue {
    var running = 0
    var order: Deque<Key> = []
    var waiting: Batch = [:]

    mutating func add(_ waiters: [Waiter], for key: Key) {
      if waiting[key, default: []].isEmpty { order.append(key) }
      waiting[key, default: []] += waiters
    }

    mutating func take(_ maximum: Int) -> (reader: Waiter, batch: Batch)? {
      let keys = order.prefix(maximum)
      var batch: Batch = [:]
      for key in keys { batch[key] = waiting.removeValue(forKey: key) }
      order.removeFirst(keys.count)
      guard let first = keys.first, let reader = batch[first]?.popLast() else { return nil }
      return (reader, batch)
    }
  }

  private struct State {
    var running = 0
    var queues: [Owner: Queue] = [:]
    /// The owners with queued keys, in round-robin order.
    var owners: Deque<Owner> = []

    mutating func add(_ waiters: [Waiter], for key: Key, of owner: Owner) {
      if queues[owner, default: Queue()].order.isEmpty { owners.append(owner) }
      queues[owner, default: Queue()].add(waiters, for: key)
    }

    mutating func startStatement(of owner: Owner) {
      running += 1
      queues[owner, default: Queue()].running += 1
    }

    mutating func endStatement(of owner: Owner) {
      running -= 1
      queues[owner]?.running -= 1
      if let queue = queues[owner], queue.running == 0, queue.order.isEmpty { queues[owner] = nil }
    }

    /// Takes the batch of the next owner that may run another statement.
    mutating func next(_ maximumKeys: Int, ofEach maximumPerOwner: Int) -> (reader: Waiter, owner: Owner, batch: Batch)? {
      guard let index = owners.firstIndex(where: { (queues[$0]?.running ?? 0) < maximumPerOwner }) else { return nil }
      let owner = owners.remove(at: index)
      let taken = queues[owner]?.take(maximumKeys)
      if queues[owner]?.order.isEmpty == false { owners.append(owner) }
      return taken.map { ($0.reader, owner, $0.batch) }
    }
  }

  private let state = Mutex(State())
  private let maximumStatements: Int
  private let maximumPerOwner: Int
  private let maximumKeys: Int
  private let read: Read

  /// - Parameters:
  ///   - maximumStatements: the maximum number of concurrent statements.
  ///   - maximumPerOwner: the maximum number of concurrent statements of one owner.
  ///   - maximumKeys: the maximum number of keys in one statement.
  init(maximumStatements: Int = 4, maximumPerOwner: Int = 2, maximumKeys: Int = 128, read: @escaping Read) {
    self.maximumStatements = maximumStatements
    self.maximumPerOwner = maximumPerOwner
    self.maximumKeys = maximumKeys
    self.read = read
  }

  /// The number of callers that wait for a statement that has not started.
  var waitingCount: Int {
    state.withLock { $0.queues.values.reduce(0) { $0 + $1.waiting.values.reduce(0) { $0 + $1.count } } }
  }

  /// The value of `key` of `owner`; nil if there is none.
  ///
  /// - Throws: the error of the statement that read this key.
  func found(for key: Key, of owner: Owner) async throws -> Found? {
    let resumption = await withCheckedContinuation { waiter in
      if startStatement(orQueue: waiter, for: key, of: owner) { waiter.resume(returning: .read([key: []])) }
    }
    switch resumption {
    case .result(let result): return try result.get()
    case .read(let batch): return try await readAll(batch, of: owner)[key]
    }
  }

  /// Starts a statement and returns true, or queues `waiter` if the limits do not allow another statement.
  private func startStatement(orQueue waiter: Waiter, for key: Key, of owner: Owner) -> Bool {
    state.withLock { state in
      guard state.running >= maximumStatements || (state.queues[owner]?.running ?? 0) >= maximumPerOwner else {
        state.startStatement(of: owner)
        return true
      }
      state.add([waiter], for: key, of: owner)
      return false
    }
  }

  private func readAll(_ batch: Batch, of owner: Owner) async throws -> [Key: Found] {
    defer { startNextStatement(after: owner) }
    do {
      let found = try await read(owner, Array(batch.keys))
      for (key, waiters) in batch {
        for waiter in waiters { waiter.resume(returning: .result(.success(found[key]))) }
      }
      return found
    } catch is CancellationError {
      // Only this task was cancelled. Another waiter reads the rest of the batch.
      requeue(batch, of: owner)
      throw CancellationError()
    } catch {
      for waiter in batch.values.joined() { waiter.resume(returning: .result(.failure(error))) }
      throw error
    }
  }

  /// Puts the waiters of a batch back into the queue.
  private func requeue(_ batch: Batch, of owner: Owner) {
    state.withLock { state in
      for (key, waiters) in batch where !waiters.isEmpty { state.add(waiters, for: key, of: owner) }
    }
  }

  /// Ends a statement of `owner` and lets a waiter run the next batch.
  private func startNextStatement(after owner: Owner) {
    let next = state.withLock { state -> (reader: Waiter, owner: Owner, batch: Batch)? in
      state.endStatement(of: owner)
      guard let next = state.next(maximumKeys, ofEach: maximumPerOwner) else { return nil }
      state.startStatement(of: next.owner)
      return next
    }
    next?.reader.resume(returning: .read(next?.batch ?? [:]))
  }
}
