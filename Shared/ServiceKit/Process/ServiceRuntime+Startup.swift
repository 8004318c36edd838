import Kafka
import Logging
import Models

extension ServiceRuntime {
  /// Waits until a dependency is available. `/readyz` shows the problem; the log has it when it changes and every ten seconds.
  ///
  /// - Parameters:
  ///   - dependency: Its name, for example `Kafka`.
  ///   - problem: Checks the dependency: the problem, or nil if it is available. Called repeatedly, at most ten times a second.
  /// - Throws: What `problem` throws; `CancellationError`.
  func wait(for dependency: String, _ problem: () async throws -> String?) async throws {
    health.setProcessProblem("waiting for \(dependency)")
    let began = ContinuousClock.now
    var logged: (problem: String, at: ContinuousClock.Instant)?
    var pause = Duration.milliseconds(100)
    while let problem = try await problem() {
      health.setProcessProblem("waiting for \(dependency): \(problem)")
      if logged?.problem != problem || ContinuousClock.now - (logged?.at ?? began) > .seconds(10) {
        logger.warning("waiting for \(dependency)", metadata: ["problem": "\(problem)"])
        logged = (problem, .now)
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
    if logged != nil { logger.info("\(dependency) is available", metadata: ["waited": "\(ContinuousClock.now - began)"]) }
  }

  /// Creates missing topics of the service (``Topic/used(by:)``). Retries while Kafka is unavailable.
  ///
  /// - Throws: `KafkaError` if a retry does not help; ``SettingsError``; `CancellationError`.
  public func ensureTopics() async throws {
    let topics = Topic.used(by: name)
    let partitions = try settings.integer(.topicPartitions)
    let replication = try settings.integer(.topicReplication)
    try await wait(for: "Kafka's topics") {
      do {
        try await TopicAdministration.ensure(
          topics, partitions: partitions, replication: replication, configuration: kafka, timeout: .seconds(10), logger: logger)
        return nil
      } catch let error as KafkaError where error.isRetriable {
        return "\(error)"
      }
    }
    health.setProcessProblem("starting services")
  }

  /// Makes a monitor of the service's topics, and makes the process unready while one is missing.
  ///
  /// - Throws: `KafkaError`; ``SettingsError``.
  func topicMonitor() throws -> TopicMonitor {
    let monitor = try TopicMonitor(
      Topic.used(by: name), partitions: try settings.integer(.topicPartitions), replication: try settings.integer(.topicReplication),
      configuration: kafka, logger: logger)
    health.add("topics") { monitor.problem }
    return monitor
  }
}
