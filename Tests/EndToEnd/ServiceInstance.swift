import Foundation

/// A service of the deployment, or the sample product, running as its own process.
///
/// `@unchecked` because Foundation's `Process` is not `Sendable`; every access to it holds the lock.
final class ServiceInstance: @unchecked Sendable {
  let name: String
  let healthPort: Int
  private let executable: URL
  private let arguments: [String]
  private let healthPath: String
  private let environment: [String: String]
  private let log: URL
  private let lock = NSLock()
  private var process: Process?

  /// - Parameters:
  ///   - executable: The program; by default the built one with the name of the service.
  ///   - healthPath: The path that returns 200 if the process is ready.
  init(
    name: String, executable: URL? = nil, arguments: [String] = [], healthPort: Int, healthPath: String = "/readyz",
    environment: [String: String], log: URL
  ) {
    self.name = name
    self.executable = executable ?? Self.productsDirectory.appendingPathComponent(name)
    self.arguments = arguments
    self.healthPort = healthPort
    self.healthPath = healthPath
    self.environment = environment
    self.log = log
  }

  /// The folder of the built executables, which contains the test bundle as well.
  static var productsDirectory: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  }

  /// Starts the process.
  func start() throws {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
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

  /// Sends `signal` and waits until the process has exited.
  func terminate(with signal: Int32) {
    guard let process = lock.withLock({ self.process }), process.isRunning else { return }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
  }

  /// Suspends the process (SIGSTOP). Its connections stay open.
  func suspend() { signal(SIGSTOP) }

  /// Resumes the process after ``suspend()``.
  func resume() { signal(SIGCONT) }

  private func signal(_ signal: Int32) {
    guard let process = lock.withLock({ self.process }), process.isRunning else { return }
    kill(process.processIdentifier, signal)
  }

  /// The id of the running process; nil if there is none.
  var processIdentifier: Int32? {
    lock.withLock { process.flatMap { $0.isRunning ? $0.processIdentifier : nil } }
  }

  /// Everything that the process has written.
  var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// Whether ``healthPath`` returns 200.
  func isReady() async -> Bool {
    await HTTP.status(of: "http://127.0.0.1:\(healthPort)\(healthPath)") == 200
  }
}
