#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Measures the CPU time of short operations by repeating them.
struct Stopwatch {
  var rounds: Int
  var secondsPerRound: Double

  /// Returns the CPU time of `work` in microseconds. It is that of the best round, because other load on the machine only adds to it.
  func time(_ work: () throws -> Void) throws -> Double {
    // Warms up the caches and determines the number of repetitions per round.
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
