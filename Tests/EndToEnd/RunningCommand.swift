import Foundation
import TestSupport

/// A run of `scimctl` that ends when it is told to. Its standard output is in a file.
final class RunningCommand {
  private let process = Process()
  private let file: URL

  /// Starts the command.
  init(_ arguments: [String], environment: [String: String], output file: URL) throws {
    self.file = file
    try Data().write(to: file)
    process.executableURL = ServiceInstance.productsDirectory.appendingPathComponent("scimctl")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: file)
    process.standardError = FileHandle.nullDevice
    try process.runWithSignalsUnblocked()
  }

  /// What the command has printed.
  var output: String {
    get throws { String(decoding: try Data(contentsOf: file), as: UTF8.self) }
  }

  /// Whether the command has not ended.
  var isRunning: Bool { process.isRunning }

  /// Ends the command.
  func end() {
    process.terminate()
    process.waitUntilExit()
  }
}
