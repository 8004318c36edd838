import Testing

@testable import EdgeHTTP

@Suite("The progress of a replica")
struct ReplicationProgressTests {
  private let start = ContinuousClock.now

  private func measure(_ progress: inout ReplicationProgress, _ written: Int64, _ seconds: Int, _ replayed: Int64) {
    progress.measure(
      written: LogPosition(bytes: written), at: start + .seconds(seconds), replayed: LogPosition(bytes: replayed))
  }

  @Test("A replica that has replayed what the primary had written is as current as the question")
  func current() {
    var progress = ReplicationProgress()
    #expect(progress.lag(at: start) == nil)
    measure(&progress, 100, -1, 100)
    #expect(progress.lag(at: start) == nil)
    measure(&progress, 100, 0, 100)
    #expect(progress.lag(at: start + .seconds(1)) == .seconds(1))
    // Also while the primary writes nothing.
    for second in 1...3 { measure(&progress, 100, second, 100) }
    #expect(progress.lag(at: start + .seconds(3)) == .zero)
  }

  @Test("A replica that lags behind is as old as the last position that it has replayed")
  func behind() {
    var progress = ReplicationProgress()
    for second in -1...0 { measure(&progress, 100, second, 90) }
    #expect(progress.lag(at: start) == nil)
    for second in 1...9 {
      let written = 100 + Int64(second) * 10
      measure(&progress, written, second, min(written, 125))
    }
    #expect(progress.lag(at: start + .seconds(9)) == .seconds(7))
    #expect(progress.replayed == LogPosition(bytes: 125))
    // It catches up at once.
    measure(&progress, 200, 10, 200)
    #expect(progress.lag(at: start + .seconds(10)) == .zero)
  }

  @Test("The lag of a replica that stood still for long is never underestimated, and its samples are bounded")
  func standstill() throws {
    var progress = ReplicationProgress()
    let seconds = 3 * ReplicationProgress.maximumSamples
    for second in -1...0 { measure(&progress, 0, second, 0) }
    for second in 1...seconds { measure(&progress, Int64(second), second, 0) }
    #expect(progress.lag(at: start + .seconds(seconds)) == .seconds(seconds))
    let replayed = seconds - 100
    measure(&progress, Int64(seconds) + 1, seconds + 1, Int64(replayed))
    #expect(try #require(progress.lag(at: start + .seconds(seconds + 1))) >= .seconds(seconds + 1 - replayed))
    measure(&progress, Int64(seconds) + 2, seconds + 2, Int64(seconds) + 2)
    #expect(progress.lag(at: start + .seconds(seconds + 2)) == .zero)
  }

  @Test("A server that lacks what the replica has replayed is not its primary, and its positions tell nothing")
  func restoredPrimary() {
    var progress = ReplicationProgress()
    for second in -1...0 { measure(&progress, 100, second, 100) }
    for second in 1...3 {
      measure(&progress, 50 + Int64(second), second, 100)
      #expect(progress.lag(at: start + .seconds(second)) == nil)
    }
    // The replica was made again from the restored server.
    for second in 4...5 { measure(&progress, 60, second, 60) }
    #expect(progress.lag(at: start + .seconds(5)) == .zero)
  }

  @Test("A primary that lost what it had written is another server")
  func replacedPrimary() {
    var progress = ReplicationProgress()
    for second in -1...0 { measure(&progress, 100, second, 90) }
    measure(&progress, 95, 1, 90)
    #expect(progress.lag(at: start + .seconds(1)) == nil)
    measure(&progress, 95, 2, 95)
    #expect(progress.lag(at: start + .seconds(2)) == .zero)
  }
}
