import Foundation
import Synchronization

/// What is to be done when the tests' process ends by itself.
public enum EndOfProcess {
  private static let actions = Mutex<[@Sendable () -> Void]>([])
  private static let registration: Void = {
    atexit { EndOfProcess.runAll() }
  }()

  /// Has `action` run at the end of the process, the last one first.
  public static func run(_ action: @escaping @Sendable () -> Void) {
    _ = registration
    actions.withLock { $0.append(action) }
  }

  private static func runAll() {
    let actions = actions.withLock { actions in
      defer { actions = [] }
      return actions
    }
    for action in actions.reversed() { action() }
  }
}
