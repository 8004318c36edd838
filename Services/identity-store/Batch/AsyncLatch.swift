/// Opens once; whoever waits goes on then.
struct AsyncLatch: Sendable {
  private let opened: AsyncStream<Never>
  private let opening: AsyncStream<Never>.Continuation

  init() {
    (opened, opening) = AsyncStream.makeStream()
  }

  /// Lets everybody through, now and later; opening twice is opening once.
  func open() {
    opening.finish()
  }

  /// Returns when the gate is open, or when the task is cancelled.
  func pass() async {
    for await _ in opened {}
  }
}
