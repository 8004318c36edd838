/// A bounded set of token buckets, one per owner, that share one rate.
struct Buckets<Owner: Hashable & Sendable>: Sendable {
  let rate: Rate
  private let maximum: Int
  private var buckets: [Owner: TokenBucket] = [:]

  /// - Parameter maximum: the maximum number of buckets; full ones are not stored.
  init(_ rate: Rate, maximum: Int) {
    self.rate = rate
    self.maximum = max(2, maximum)
  }

  var count: Int { buckets.count }

  /// The time until `owner` may send another request, in seconds.
  func wait(of owner: Owner, at now: Double) -> Double {
    rate.isUnlimited ? 0 : buckets[owner]?.wait(of: rate, at: now) ?? 0
  }

  /// Takes a token from the owner's bucket.
  mutating func take(of owner: Owner, at now: Double) {
    guard !rate.isUnlimited else { return }
    if buckets.count >= maximum, buckets[owner] == nil { makeRoom(at: now) }
    buckets[owner, default: TokenBucket(at: now)].take(of: rate, at: now)
  }

  /// Reserves the next token, and returns the wait until it is available, in seconds.
  ///
  /// If the wait is `longest` seconds or more, returns `longest` and reserves nothing.
  mutating func reserve(of owner: Owner, at now: Double, within longest: Double) -> Double {
    let wait = wait(of: owner, at: now)
    guard wait < longest else { return longest }
    take(of: owner, at: now)
    return wait
  }

  /// Removes full buckets and, if more than half of the maximum remain, the half that is full soonest.
  private mutating func makeRoom(at now: Double) {
    buckets = buckets.filter { $0.value.fullAt > now }
    guard buckets.count > maximum / 2 else { return }
    let middle = buckets.values.map(\.fullAt).sorted()[buckets.count / 2]
    buckets = buckets.filter { $0.value.fullAt > middle }
  }
}
