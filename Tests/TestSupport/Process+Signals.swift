import Foundation

extension Process {
  /// Starts the process with no signal blocked.
  ///
  /// A process inherits the signal mask of the thread that starts it, and libdispatch's threads, on which tests run, block nearly all:
  /// SIGTERM would never reach it.
  public func runWithSignalsUnblocked() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}
