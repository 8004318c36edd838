import Foundation

/// Runs commands and waits until they exit.
enum CommandRun {
  /// A command that exited with a status other than 0.
  struct Failure: Error, CustomStringConvertible {
    var command: String
    var status: Int32
    var output: String
    var description: String { "'\(command)' exited with \(status): \(output)" }
  }

  /// The exit status and the output of a command.
  struct Result: Sendable {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Returns the standard output of `executable`.
  ///
  /// - Throws: ``Failure`` if the exit status is not 0.
  static func output(of executable: URL, arguments: [String], environment: [String: String]) async throws -> String {
    let result = try await result(of: executable, arguments: arguments, environment: environment)
    guard result.status == 0 else {
      throw Failure(
        command: ([executable.lastPathComponent] + arguments).joined(separator: " "), status: result.status,
        output: result.output + result.errors)
    }
    return result.output
  }

  /// Returns the output and the exit status of `executable`.
  static func result(of executable: URL, arguments: [String], environment: [String: String]) async throws -> Result {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.runWithSignalsUnblocked()
    async let outputText = read(output)
    async let errorText = read(errors)
    let (printed, reported) = (await outputText, await errorText)
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: printed, errors: reported)
  }

  private static func read(_ pipe: Pipe) async -> String {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(returning: String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
      }
    }
  }
}
