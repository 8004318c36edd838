/// How long to wait before the next try to connect: the first at once, then ever longer, with jitter so that the copies of a service do
/// not all come back at the same instant.
struct Backoff: Sendable {
  var first: Duration = .milliseconds(50)
  var longest: Duration = .seconds(2)
  private(set) var failures = 0

  mutating func reset() { failures = 0 }

  /// The wait before the next try; `fraction` in 0…1 is the jitter.
  mutating func next(fraction: Double = .random(in: 0...1)) -> Duration {
    defer { failures += 1 }
    guard failures > 0 else { return .zero }
    let full = min(first * (1 << min(failures - 1, 16)), longest)
    return full / 2 + full * (fraction / 2)
  }
}
