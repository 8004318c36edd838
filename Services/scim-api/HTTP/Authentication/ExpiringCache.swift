import Synchronization

/// A TTL cache that refreshes entries before they expire.
///
/// The first caller that needs an entry older than `refreshAge` reads it again, while the others use the cached value. An entry that has
/// reached `maximumAge` is not used.
package final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    var value: Value
    /// When the read began. The value includes everything that was committed before then.
    var readAt: ContinuousClock.Instant
    /// Whether a caller is reading the value again.
    var isBeingRefreshed = false
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let maximumEntries: Int
  private let refreshAge: Duration
  private let maximumAge: Duration

  /// A cache of at most `maximumEntries` values.
  package init(
    maximumEntries: Int = 10_000, refreshAge: Duration = .milliseconds(500), maximumAge: Duration = .milliseconds(950)
  ) {
    self.maximumEntries = maximumEntries
    self.refreshAge = refreshAge
    self.maximumAge = maximumAge
  }

  /// The value for `key`, from the cache or else from `read`; nil if `read` returns nil. Missing values are not cached, since clients can
  /// choose any number of keys.
  ///
  /// - Throws: the errors of `read`.
  package func value(of key: Key, read: () async throws -> Value?) async throws -> Value? {
    let now = ContinuousClock.now
    if let value = fresh(key, at: now) { return value }
    let found: Value?
    do {
      found = try await read()
    } catch {
      // The next caller tries again.
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

  /// Removes the value for `key`, so that the next caller reads it.
  package func forget(_ key: Key) { entries.withLock { $0[key] = nil } }

  /// Whether the cache has a value for `key`, even one that has expired.
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
