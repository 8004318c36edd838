import Foundation
import Synchronization

/// A server's process, run by a shell script that ends it when the test process dies.
///
/// The script reads standard input: a line means end the server and keep its data; the end of input, also when the test process dies, means
/// remove the data as well.
final class ServerProcess: Sendable {
  private struct State {
    var isRunning = true
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let standardInput = Pipe()
  private let state = Mutex(State())

  /// Starts the script.
  ///
  /// - Parameter log: The file to which the server's output is appended.
  init(script: String, arguments: [String], log: URL) throws {
    if !FileManager.default.fileExists(atPath: log.path) { _ = FileManager.default.createFile(atPath: log.path, contents: nil) }
    let output = try FileHandle(forWritingTo: log)
    try output.seekToEnd()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script] + arguments
    process.standardInput = standardInput
    process.standardOutput = output
    process.standardError = output
    process.terminationHandler = { [weak self] _ in self?.hasEnded() }
    try process.runWithSignalsUnblocked()
    try output.close()
  }

  var isRunning: Bool { state.withLock { $0.isRunning } }

  /// Asks the script to end the server; ``ended()`` waits for it.
  func end(keepingData: Bool) throws {
    if keepingData, isRunning { try standardInput.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }
    try standardInput.fileHandleForWriting.close()
  }

  /// Waits until the process has ended.
  func ended() async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        if state.isRunning { state.waiting.append(continuation) }
        return !state.isRunning
      }
      if hasEnded { continuation.resume() }
    }
  }

  private func hasEnded() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.isRunning = false
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

extension Process {
  /// Starts the process with all signals unblocked.
  ///
  /// A process inherits the signal mask of the thread that starts it, and tests run on libdispatch threads, which block nearly all signals,
  /// including SIGTERM.
  ///
  /// - Throws: The error of `Process.run()`.
  public func runWithSignalsUnblocked() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}
