import Foundation
import Synchronization

/// A server's process, guarded by a shell that ends it where the process that runs the tests dies without a word.
///
/// The shell runs a script, whose standard input it is told by: a line says that the server is to end and its data to be kept; the end
/// of the input, which comes with the death of the tests' process too, that the data is to go as well.
final class ServerProcess: Sendable {
  private struct State {
    var isRunning = true
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let standardInput = Pipe()
  private let state = Mutex(State())

  /// - Parameter log: A file that what the server prints is added to.
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

  /// Has the process ended; ``ended()`` says when it is gone.
  func end(keepingData: Bool) throws {
    if keepingData, isRunning { try standardInput.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }
    try standardInput.fileHandleForWriting.close()
  }

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
