import CMalloc
import ServiceLifecycle

/// Returns free heap memory to the operating system every few seconds. Without it, the allocator keeps the memory that a large request,
/// such as a group of 100,000 members, has used.
struct MallocTrimmer: Service {
  private static let interval = Duration.seconds(5)
  /// Free memory up to this size, in bytes, is kept for reuse.
  private static let threshold = 8 << 20

  /// Limits the allocator to two arenas, since free memory of one arena cannot serve threads of another. Call it before threads exist.
  static func limitArenas() {
    _ = mallopt(M_ARENA_MAX, 2)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while true {
        do { try await Task.sleep(for: Self.interval) } catch { return }
        if mallinfo2().fordblks > Self.threshold { _ = malloc_trim(0) }
      }
    }
  }
}
