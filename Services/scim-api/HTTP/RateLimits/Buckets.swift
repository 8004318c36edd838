/// A bounded set of token buckets, one per owner, that share one rate.
///
/// Several edges can share the rate: each subtracts what the others have accepted. It may then owe tokens, for longer than the others if they
/// accept requests all the time. So an edge always accepts half of an equal share of the rate, and the others wait for it.
struct Buckets<Owner: Hashable & Sendable>: Sendable {
  private struct Bucket: Sendable {
    /// The requests of all edges.
    var all: TokenBucket
    /// The requests of this edge, as far as it shares the rate.
    var own: TokenBucket

    init(at now: Double) {
      all = TokenBucket(at: now)
      own = TokenBucket(at: now)
    }
  }

  let rate: Rate
  private let maximum: Int
  private var buckets: [Owner: Bucket] = [:]
  /// What this edge always accepts; nil if it does not share the rate.
  private var reserved: Rate?

  /// - Parameter maximum: the maximum number of buckets; full ones are not stored.
  init(_ rate: Rate, maximum: Int) {
    self.rate = rate
    self.maximum = max(2, maximum)
  }

  var count: Int { buckets.count }

  /// The time until `owner` may send another request, in seconds.
  func wait(of owner: Owner, at now: Double) -> Double {
    guard !rate.isUnlimited, let bucket = buckets[owner] else { return 0 }
    let wait = bucket.all.wait(of: rate, at: now)
    guard wait > 0, let reserved else { return wait }
    return min(wait, bucket.own.wait(of: reserved, at: now))
  }

  /// Takes a token from the owner's bucket.
  mutating func take(of owner: Owner, at now: Double) {
    guard !rate.isUnlimited else { return }
    if buckets.count >= maximum, buckets[owner] == nil { makeRoom(at: now) }
    buckets[owner, default: Bucket(at: now)].all.take(of: rate, at: now)
    if let reserved { buckets[owner]?.own.take(of: reserved, at: now) }
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

  /// Shares the rate among edges.
  ///
  /// - Parameter edges: the number of edges, this one included; 1 to share it no longer.
  mutating func share(among edges: Int) {
    let perSecond = rate.perSecond / Double(2 * max(1, edges))
    reserved = edges > 1 ? Rate(perSecond: perSecond, burst: Int(perSecond * Self.reservedTime)) : nil
  }

  /// Subtracts requests that other edges have accepted.
  mutating func subtract(_ requests: Int, of owner: Owner, at now: Double) {
    guard !rate.isUnlimited else { return }
    if buckets.count >= maximum, buckets[owner] == nil { makeRoom(at: now) }
    buckets[owner, default: Bucket(at: now)].all.subtract(requests, of: rate, at: now, maximumDebt: Self.maximumDebt)
  }

  /// Removes full buckets and, if more than half of the maximum remain, the half that is full soonest.
  private mutating func makeRoom(at now: Double) {
    buckets = buckets.filter { $0.value.all.fullAt > now }
    guard buckets.count > maximum / 2 else { return }
    let middle = buckets.values.map(\.all.fullAt).sorted()[buckets.count / 2]
    buckets = buckets.filter { $0.value.all.fullAt > middle }
  }

  /// The time in which reserved tokens collect, in seconds.
  private static var reservedTime: Double { 0.25 }
  /// The longest time that a bucket may owe tokens because of other edges, in seconds. If messages arrive late, they do not block an owner
  /// for longer.
  private static var maximumDebt: Double { 10 }
}
