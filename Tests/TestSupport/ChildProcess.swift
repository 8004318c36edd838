import Foundation

/// A process that a test starts.
final class ChildProcess: Sendable {
  private let process: Process
  private let output = Pipe()
  /// For a guarded process: a line with a number sends that signal.
  private let standardInput: Pipe?

  /// Starts a process.
  init(_ executable: String, _ arguments: [String]) throws {
    standardInput = nil
    process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  /// Starts a process under a shell that kills it when the test process dies, and then removes `folder`.
  init(guarded executable: String, _ arguments: [String], removing folder: URL?) throws {
    let standardInput = Pipe()
    self.standardInput = standardInput
    process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", Self.guardian, folder?.path ?? "", executable] + arguments
    process.standardOutput = output
    process.standardInput = standardInput
    try process.run()
  }

  /// The shell script of a guarded process. It sends SIGKILL by default, since the process inherits a signal mask that blocks nearly all
  /// signals.
  private static let guardian = """
    "$@" < /dev/null &
    exec >&-
    read -r signal || signal=
    kill -"${signal:-9}" $! 2> /dev/null
    wait
    [ -n "$signal" ] || [ -z "$0" ] || rm -rf "$0"
    """

  /// Sends a signal to the process.
  ///
  /// - Parameter signal: A signal other than SIGKILL only reaches a program that unblocks it.
  func terminate(by signal: Int32 = SIGKILL) {
    guard process.isRunning else { return }
    guard let standardInput else {
      kill(process.processIdentifier, signal)
      return
    }
    // Fails if the shell has already exited; nothing is left to end then.
    try? standardInput.fileHandleForWriting.write(contentsOf: Data("\(signal)\n".utf8))
  }

  /// Waits until the process has ended.
  func exit() async {
    await onThread { $0.process.waitUntilExit() }
  }

  /// The first line of its output.
  func firstLine() async throws -> String {
    let line = await onThread { child in
      var bytes = Data()
      while let byte = try? child.output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data([0x0A]) { bytes += byte }
      return String(decoding: bytes, as: UTF8.self)
    }
    guard !line.isEmpty else { throw MailCatcher.Failure(description: "\(process.arguments?.first ?? "") ended without output") }
    return line
  }

  /// Runs a command and returns its output.
  static func output(_ executable: String, _ arguments: [String]) async throws -> Data {
    let child = try ChildProcess(executable, arguments)
    let output = await child.onThread { child in
      let output = (try? child.output.fileHandleForReading.readToEnd()) ?? Data()
      child.process.waitUntilExit()
      return output
    }
    guard child.process.terminationStatus == 0 else {
      throw MailCatcher.Failure(description: "\(executable) \(arguments.first ?? "") exited with \(child.process.terminationStatus)")
    }
    return output
  }

  private func onThread<Result: Sendable>(_ body: @escaping @Sendable (ChildProcess) -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body(self)) }
    }
  }
}
