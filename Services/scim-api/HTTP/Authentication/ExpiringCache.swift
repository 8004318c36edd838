import Synchronization

/// Remembers for a moment what was read, so that what is asked for all the time is read seldom, and a change of it is seen soon.
///
/// What is older than `refreshAge` is read again by the first who needs it, while others go on with what there is; what is as old as
/// `maximumAge` is not used.
package final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    var value: Value
    /// When the read that brought it began: what was committed before then is in it.
    var readAt: ContinuousClock.Instant
    /// Somebody is reading it again.
    var isBeingRefreshed = false
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let maximumEntries: Int
  private let refreshAge: Duration
  private let maximumAge: Duration

  /// A cache with a bounded number of entries and the given ages.
  package init(
    maximumEntries: Int = 10_000, refreshAge: Duration = .milliseconds(500), maximumAge: Duration = .milliseconds(950)
  ) {
    self.maximumEntries = maximumEntries
    self.refreshAge = refreshAge
    self.maximumAge = maximumAge
  }

  /// The value of `key`, as `read` finds it or found it a moment ago. That there is none is not remembered, since whoever asks could name
  /// any number of keys.
  package func value(of key: Key, read: () async throws -> Value?) async throws -> Value? {
    let now = ContinuousClock.now
    if let value = fresh(key, at: now) { return value }
    let found: Value?
    do {
      found = try await read()
    } catch {
      // The next one who needs it tries.
      entries.withLock { $0[key]?.isBeingRefreshed = false }
      throw error
    }
    entries.withLock { entries in
      guard let found else {
        entries[key] = nil
        return
      }
      if entries[key] == nil, entries.count >= maximumEntries {
        entries = entries.filter { now - $0.value.readAt < maximumAge }
        if entries[key] == nil, entries.count >= maximumEntries { entries.removeAll(keepingCapacity: true) }
      }
      entries[key] = Entry(value: found, readAt: now)
    }
    return found
  }

  /// Has the next one who needs the value of `key` read it.
  package func forget(_ key: Key) { entries.withLock { $0[key] = nil } }

  /// Whether `key` had a value not long ago.
  package func has(_ key: Key) -> Bool { entries.withLock { $0[key] != nil } }

  private func fresh(_ key: Key, at now: ContinuousClock.Instant) -> Value? {
    entries.withLock { entries in
      guard let entry = entries[key] else { return nil }
      let age = now - entry.readAt
      if age < refreshAge { return entry.value }
      if age < maximumAge, entry.isBeingRefreshed { return entry.value }
      entries[key]?.isBeingRefreshed = true
      return nil
    }
  }
}
