import Logging

/// Waits at the start for something that the process needs, and says so: at `/readyz`, and in the log where the reason changes and every
/// ten seconds.
struct StartupWait {
  let subject: String
  let health: Health
  let logger: Logger

  init(for subject: String, health: Health, logger: Logger) {
    self.subject = subject
    self.health = health
    self.logger = logger
  }

  /// Asks again and again, until `problem` knows of none.
  ///
  /// - Throws: What `problem` throws; `CancellationError`.
  func end(_ problem: () async throws -> String?) async throws {
    health.setOccupation("waiting for \(subject)")
    let began = ContinuousClock.now
    var said: (problem: String, at: ContinuousClock.Instant)?
    var pause = Duration.milliseconds(100)
    while let problem = try await problem() {
      health.setOccupation("waiting for \(subject): \(problem)")
      if said?.problem != problem || ContinuousClock.now - (said?.at ?? began) > .seconds(10) {
        logger.warning("waiting for \(subject)", metadata: ["problem": "\(problem)"])
        said = (problem, .now)
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
    if said != nil { logger.info("\(subject) can be used", metadata: ["waited": "\(ContinuousClock.now - began)"]) }
  }
}
