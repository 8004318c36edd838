import Foundation

/// One executable of the suite, running as its own process.
///
/// `@unchecked` because Foundation's `Process` is not `Sendable`; all access goes through the lock.
final class RunningService: @unchecked Sendable {
  let name: String
  let healthPort: Int
  private let environment: [String: String]
  private let log: URL
  private let lock = NSLock()
  private var process: Process?

  init(name: String, healthPort: Int, environment: [String: String], log: URL) {
    self.name = name
    self.healthPort = healthPort
    self.environment = environment
    self.log = log
  }

  /// The folder of the built executables: where the test bundle itself lies.
  static var products: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  }

  func start() throws {
    let process = Process()
    process.executableURL = Self.products.appendingPathComponent(name)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    if !FileManager.default.fileExists(atPath: log.path) { _ = FileManager.default.createFile(atPath: log.path, contents: nil) }
    let output = try FileHandle(forWritingTo: log)
    try output.seekToEnd()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.runWithSignalsUnblocked()
    lock.withLock { self.process = process }
  }

  /// Sends `signal` and waits for the process's end.
  func end(by signal: Int32) {
    guard let process = lock.withLock({ self.process }), process.isRunning else { return }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
  }

  /// Lets a running process stand still, its connections open.
  func hold() { signal(SIGSTOP) }

  /// Ends ``hold()``.
  func goOn() { signal(SIGCONT) }

  private func signal(_ signal: Int32) {
    guard let process = lock.withLock({ self.process }), process.isRunning else { return }
    kill(process.processIdentifier, signal)
  }

  /// What the process wrote, for a failure's message.
  var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// Whether `/readyz` answers 200.
  func isReady() async -> Bool {
    await HTTP.status(of: "http://127.0.0.1:\(healthPort)/readyz") == 200
  }
}
