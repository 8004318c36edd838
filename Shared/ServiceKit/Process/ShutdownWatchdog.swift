import Dispatch
import Glibc

/// Exits the process if a shutdown exceeds its limit and nothing else ends it, for example because every thread is stuck in a library call.
enum ShutdownWatchdog {
  /// The additional time after the limit of the graceful shutdown.
  private static let grace = DispatchTimeInterval.seconds(2)
  private static let queue = DispatchQueue(label: "shutdown watchdog")

  /// Starts the watchdog with the first SIGTERM or SIGINT: the process exits after `limit` and two seconds.
  static func watch(limit: Duration) {
    for number in [SIGTERM, SIGINT] {
      // The service group, which uses the same kind of source, handles the signals.
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { end(after: limit) }
      source.resume()
      // The source must live as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }

  /// Exits the process after `limit` and two seconds, unless it ends before.
  static func end(after limit: Duration) {
    queue.asyncAfter(deadline: .now() + DispatchTimeInterval.milliseconds(Int(limit / .milliseconds(1))) + grace) { exit() }
  }

  /// Exits without the handlers of a regular exit, which may be what is stuck.
  private static func exit() {
    let text = "the process did not end within its shutdown limit; exiting\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    _exit(ExitCode.failure.rawValue)
  }
}
