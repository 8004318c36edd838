import CMalloc
import ServiceLifecycle

/// Gives memory that is free in the process back to the system: after a group of 100,000 members has gone through, nobody needs what it
/// took, and the allocator would keep it.
struct MallocTrimmer: Service {
  private static let interval = Duration.seconds(5)
  /// Less than this is kept for what comes next.
  private static let worthwhile = 8 << 20

  /// Has threads share their heaps, since what is free in one heap serves no thread of another. To be called before there are threads.
  static func shareHeaps() {
    _ = mallopt(M_ARENA_MAX, 2)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while true {
        do { try await Task.sleep(for: Self.interval) } catch { return }
        if mallinfo2().fordblks > Self.worthwhile { _ = malloc_trim(0) }
      }
    }
  }
}
