import Dispatch
import Glibc

/// Ends the process where nothing else does: a shutdown is bounded even when what should watch over it is stuck itself, in a library's call
/// that does not return, say.
enum ShutdownWatchdog {
  /// What the process's own bound on its shutdown is exceeded by.
  private static let grace = DispatchTimeInterval.seconds(2)
  private static let queue = DispatchQueue(label: "last resort")

  /// From the first SIGTERM or SIGINT on, gives the process `limit` and a little.
  static func watch(limit: Duration) {
    let milliseconds = DispatchTimeInterval.milliseconds(Int(limit / .milliseconds(1)))
    for number in [SIGTERM, SIGINT] {
      // The signals themselves are taken care of by the service group, which has the same source.
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        queue.asyncAfter(deadline: .now() + milliseconds + grace) { exit() }
      }
      source.resume()
      // A source lives as long as it is held, and this one as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }

  /// Gives the process `limit` and a little to end by itself.
  static func end(after limit: Duration) {
    queue.asyncAfter(deadline: .now() + DispatchTimeInterval.milliseconds(Int(limit / .milliseconds(1))) + grace) { exit() }
  }

  /// Without what runs at a process's regular end, which may be what is stuck.
  private static func exit() {
    let text = "the process did not end within its bound after it was to; it is ended\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    _exit(ExitCode.failure.rawValue)
  }
}
