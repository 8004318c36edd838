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
  private typealias Request = (key: Key, waiter: Waiter)

  /// The keys of one statement, and the requests for them except that of the caller that runs the statement.
  private struct Batch: Sendable {
    var keys: [Key]
    var requests: [Request] = []
  }

  /// The queued requests of one owner.
  private struct Queue {
    var running = 0
    var waiting: Deque<Request> = []

    /// Takes the oldest requests, with up to `maximum` distinct keys.
    mutating func take(_ maximum: Int) -> (reader: Waiter, batch: Batch)? {
      guard let first = waiting.popFirst() else { return nil }
      var batch = Batch(keys: [first.key])
      var known: Set = [first.key]
      while let next = waiting.first, known.contains(next.key) || known.count < maximum {
        if known.insert(next.key).inserted { batch.keys.append(next.key) }
        batch.requests.append(next)
        waiting.removeFirst()
      }
      return (first.waiter, batch)
    }
  }

  private struct State {
    var running = 0
    var queues: [Owner: Queue] = [:]
    /// The owners with queued requests, in round-robin order.
    var owners: Deque<Owner> = []

    mutating func add(_ request: Request, of owner: Owner) {
      if queues[owner, default: Queue()].waiting.isEmpty { owners.append(owner) }
      queues[owner, default: Queue()].waiting.append(request)
    }

    mutating func startStatement(of owner: Owner) {
      running += 1
      queues[owner, default: Queue()].running += 1
    }

    /// Starts a statement; false if the limits do not allow another one.
    mutating func startStatement(of owner: Owner, _ maximum: Int, ofEach maximumPerOwner: Int) -> Bool {
      guard running < maximum, (queues[owner]?.running ?? 0) < maximumPerOwner else { return false }
      startStatement(of: owner)
      return true
    }

    mutating func endStatement(of owner: Owner) {
      running -= 1
      queues[owner]?.running -= 1
      if let queue = queues[owner], queue.running == 0, queue.waiting.isEmpty { queues[owner] = nil }
    }

    /// Takes the batch of the next owner that may run another statement.
    mutating func next(_ maximumKeys: Int, ofEach maximumPerOwner: Int) -> (reader: Waiter, owner: Owner, batch: Batch)? {
      guard let index = owners.firstIndex(where: { (queues[$0]?.running ?? 0) < maximumPerOwner }) else { return nil }
      let owner = owners.remove(at: index)
      let taken = queues[owner]?.take(maximumKeys)
      if queues[owner]?.waiting.isEmpty == false { owners.append(owner) }
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
    state.withLock { $0.queues.values.reduce(0) { $0 + $1.waiting.count } }
  }

  /// The value of `key` of `owner`; nil if there is none.
  ///
  /// - Throws: the error of the statement that read this key.
  func found(for key: Key, of owner: Owner) async throws -> Found? {
    if startStatement(of: owner) {
      defer { startNextStatement(after: owner) }
      return try await read(owner, [key])[key]
    }
    let resumption = await withCheckedContinuation { waiter in
      // A statement may have ended in the meantime.
      if startStatement(orQueue: waiter, for: key, of: owner) { waiter.resume(returning: .read(Batch(keys: [key]))) }
    }
    switch resumption {
    case .result(let result): return try result.get()
    case .read(let batch): return try await readAll(batch, of: owner)[key]
    }
  }

  /// Starts a statement; false if the limits do not allow another one.
  private func startStatement(of owner: Owner) -> Bool {
    state.withLock { $0.startStatement(of: owner, maximumStatements, ofEach: maximumPerOwner) }
  }

  /// Starts a statement and returns true, or queues `waiter` if the limits do not allow another statement.
  private func startStatement(orQueue waiter: Waiter, for key: Key, of owner: Owner) -> Bool {
    state.withLock { state in
      if state.startStatement(of: owner, maximumStatements, ofEach: maximumPerOwner) { return true }
      state.add((key, waiter), of: owner)
      return false
    }
  }

  private func readAll(_ batch: Batch, of owner: Owner) async throws -> [Key: Found] {
    defer { startNextStatement(after: owner) }
    do {
      let found = try await read(owner, batch.keys)
      for (key, waiter) in batch.requests { waiter.resume(returning: .result(.success(found[key]))) }
      return found
    } catch is CancellationError {
      // Only this task was cancelled. Another waiter reads the rest of the batch.
      state.withLock { state in
        for request in batch.requests { state.add(request, of: owner) }
      }
      throw CancellationError()
    } catch {
      for (_, waiter) in batch.requests { waiter.resume(returning: .result(.failure(error))) }
      throw error
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
    if let next { next.reader.resume(returning: .read(next.batch)) }
  }
}
