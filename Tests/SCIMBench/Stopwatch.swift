#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Times what is short by doing it often.
struct Stopwatch {
  var rounds: Int
  var secondsPerRound: Double

  /// The microseconds of CPU that `work` takes; the best round's, since whatever else the machine does only adds to it.
  func time(_ work: () throws -> Void) throws -> Double {
    // Warms caches up, and finds out how often a round can repeat it.
    var count = 0
    let start = Self.cpuSeconds()
    while Self.cpuSeconds() - start < secondsPerRound / 2 {
      for _ in 0..<50 { try work() }
      count += 50
    }
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = Self.cpuSeconds()
      for _ in 0..<count * 2 { try work() }
      best = min(best, (Self.cpuSeconds() - start) / Double(count * 2))
    }
    return best * 1e6
  }

  private static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
