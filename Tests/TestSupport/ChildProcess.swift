import Foundation

/// A process that a test has started.
final class ChildProcess: Sendable {
  private let process: Process
  private let output = Pipe()
  /// Where there is a guard: a line on it says by which signal the process is to end.
  private let standardInput: Pipe?

  init(_ executable: String, _ arguments: [String]) throws {
    standardInput = nil
    process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  /// One that a shell ends where the process that runs the tests is gone; a folder goes then, too.
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

  /// SIGKILL where nothing else is asked for: a process inherits the signal mask of the thread that starts it, and libdispatch's threads
  /// block nearly every signal.
  private static let guardian = """
    "$@" < /dev/null &
    exec >&-
    read -r signal || signal=
    kill -"${signal:-9}" $! 2> /dev/null
    wait
    [ -n "$signal" ] || [ -z "$0" ] || rm -rf "$0"
    """

  /// - Parameter signal: One other than SIGKILL is for a program that unblocks it.
  func terminate(by signal: Int32 = SIGKILL) {
    guard process.isRunning else { return }
    guard let standardInput else {
      kill(process.processIdentifier, signal)
      return
    }
    // Where the guard is gone already, there is nobody to tell.
    try? standardInput.fileHandleForWriting.write(contentsOf: Data("\(signal)\n".utf8))
  }

  func exit() async {
    await onThread { $0.process.waitUntilExit() }
  }

  /// The first line that it prints.
  func firstLine() async throws -> String {
    let line = await onThread { child in
      var bytes = Data()
      while let byte = try? child.output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data([0x0A]) { bytes += byte }
      return String(decoding: bytes, as: UTF8.self)
    }
    guard !line.isEmpty else { throw MailCatcher.Failure(description: "\(process.arguments?.first ?? "") ended without a word") }
    return line
  }

  /// All that a command prints.
  static func output(_ executable: String, _ arguments: [String]) async throws -> Data {
    let child = try ChildProcess(executable, arguments)
    let output = await child.onThread { child in
      let output = (try? child.output.fileHandleForReading.readToEnd()) ?? Data()
      child.process.waitUntilExit()
      return output
    }
    guard child.process.terminationStatus == 0 else {
      throw MailCatcher.Failure(description: "\(executable) \(arguments.first ?? "") ended with \(child.process.terminationStatus)")
    }
    return output
  }

  private func onThread<Result: Sendable>(_ body: @escaping @Sendable (ChildProcess) -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body(self)) }
    }
  }
}
