/// The token buckets of many, all with the same rate, in bounded memory.
struct Buckets<Owner: Hashable & Sendable>: Sendable {
  let rate: Rate
  private let maximum: Int
  private var buckets: [Owner: TokenBucket] = [:]

  /// - Parameter maximum: of how many owners buckets are kept that are not full.
  init(_ rate: Rate, maximum: Int) {
    self.rate = rate
    self.maximum = max(2, maximum)
  }

  var count: Int { buckets.count }

  /// In how many seconds `owner` may send another request.
  func wait(of owner: Owner, at now: Double) -> Double {
    buckets[owner]?.wait(of: rate, at: now) ?? 0
  }

  mutating func take(of owner: Owner, at now: Double) {
    guard !rate.isUnlimited else { return }
    if buckets[owner] == nil, buckets.count >= maximum { makeRoom(at: now) }
    buckets[owner, default: TokenBucket(at: now)].take(of: rate, at: now)
  }

  /// Takes a token that may be yet to come, and returns in how many seconds it does; where that is longer than `longest`, it is that and
  /// nothing is taken.
  mutating func reserve(of owner: Owner, at now: Double, within longest: Double) -> Double {
    let wait = wait(of: owner, at: now)
    guard wait < longest else { return longest }
    take(of: owner, at: now)
    return wait
  }

  /// Forgets the full ones and, where that leaves more than half, those that are full soonest.
  private mutating func makeRoom(at now: Double) {
    buckets = buckets.filter { $0.value.fullAt > now }
    guard buckets.count > maximum / 2 else { return }
    let middle = buckets.values.map(\.fullAt).sorted()[buckets.count / 2]
    buckets = buckets.filter { $0.value.fullAt > middle }
  }
}
