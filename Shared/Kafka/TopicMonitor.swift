import Logging
import Metrics
import Models
import ServiceLifecycle
import Synchronization

/// Detects that topics of a running process have disappeared, and creates them again if the brokers permit it.
///
/// It checks every few seconds. If the creation fails, it is retried after ten seconds, doubling up to five minutes. The messages of the topics
/// are lost, which consumers detect themselves; see ``OffsetGap``.
public final class TopicMonitor: Service, Sendable {
  private struct State {
    var missing: [String] = []
    /// Why the topics could not be created.
    var failure: String?
  }

  private let topics: [Topic]
  private let partitions: Int
  private let replication: Int
  private let configuration: KafkaConfiguration
  private let client: AdministrationClient
  private let interval: Duration
  private let logger: Logger
  private let state = Mutex(State())
  private let missingTopics = Gauge(label: "kafka_topics_missing")

  private static let firstPause = Duration.seconds(10)
  private static let longestPause = Duration.seconds(300)
  private static let timeout = Duration.seconds(5)

  /// Creates a monitor, which connects when ``run()`` starts.
  ///
  /// - Parameters:
  ///   - topics: The topics that the process reads or writes.
  ///   - partitions: The number of partitions of new topics.
  ///   - replication: The number of replicas of new topics; -1 for the default of the brokers.
  ///   - interval: The interval between two checks.
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(
    _ topics: [Topic], partitions: Int, replication: Int, configuration: KafkaConfiguration, interval: Duration = .seconds(5),
    logger: Logger
  ) throws {
    self.topics = topics
    self.partitions = partitions
    self.replication = replication
    self.configuration = configuration
    self.interval = interval
    self.logger = logger
    client = try AdministrationClient(configuration, logger: logger)
  }

  /// The missing topics, for the readiness of a process; nil if none is missing.
  public var problem: String? {
    state.withLock { state in
      guard !state.missing.isEmpty else { return nil }
      let missing = "missing: \(state.missing.joined(separator: ", "))"
      return state.failure.map { "\(missing); cannot be created: \($0)" } ?? "\(missing); being created again"
    }
  }

  /// Checks the topics until graceful shutdown.
  public func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      var pause = Self.firstPause
      var nextAttempt = ContinuousClock.now
      while !Task.isCancelled {
        let missing = await findMissingTopics()
        if missing.isEmpty {
          pause = Self.firstPause
        } else if .now >= nextAttempt {
          await create(missing)
          nextAttempt = .now + pause
          pause = min(pause * 2, Self.longestPause)
        }
        // Jitter, so that not all processes check at the same time.
        do { try await Task.sleep(for: interval * Double.random(in: 0.8...1.2)) } catch { return }
      }
    }
  }

  /// The missing topics; none if no broker answers.
  private func findMissingTopics() async -> [Topic] {
    let names: Set<String>
    do {
      names = try await DedicatedThread.run("kafka-topics") { [client] in
        try client.handle.topicNames(action: "list topics", timeout: Self.timeout)
      }
    } catch {
      logger.debug("topics cannot be listed: \(error)")
      return []
    }
    let missing = topics.filter { !names.contains($0.name) }
    missingTopics.record(missing.count)
    let hasChanged = state.withLock { state in
      defer {
        state.missing = missing.map(\.name)
        if missing.isEmpty { state.failure = nil }
      }
      return state.missing != missing.map(\.name)
    }
    if hasChanged {
      if missing.isEmpty {
        logger.notice("all topics are available again")
      } else {
        logger.error("topics are missing", metadata: ["topics": "\(missing.map(\.name).joined(separator: ", "))"])
      }
    }
    return missing
  }

  private func create(_ missing: [Topic]) async {
    do {
      try await TopicAdministration.ensure(
        missing, partitions: partitions, replication: replication, configuration: configuration, timeout: .seconds(10), logger: logger)
      state.withLock { $0 = State() }
      logger.notice("topics are created again", metadata: ["topics": "\(missing.map(\.name).joined(separator: ", "))"])
    } catch {
      state.withLock { $0.failure = "\(error)" }
      logger.error("missing topics cannot be created: \(error)")
    }
  }
}
