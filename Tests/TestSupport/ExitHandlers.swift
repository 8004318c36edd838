import Foundation
import Synchronization

/// Handlers that run when the test process exits.
public enum ExitHandlers {
  private static let handlers = Mutex<[@Sendable () -> Void]>([])
  private static let registration: Void = {
    atexit { ExitHandlers.runAll() }
  }()

  /// Adds a handler. Handlers run in reverse order.
  public static func add(_ handler: @escaping @Sendable () -> Void) {
    _ = registration
    handlers.withLock { $0.append(handler) }
  }

  private static func runAll() {
    let handlers = handlers.withLock { handlers in
      defer { handlers = [] }
      return handlers
    }
    for handler in handlers.reversed() { handler() }
  }
}
