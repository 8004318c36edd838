import Logging
import Metrics
import Models
import ServiceLifecycle
import Synchronization

/// Notices that topics of a running process have disappeared, and creates them again where the brokers permit it.
///
/// Looks every few seconds. Creation is tried at once and then, while it fails, after ten seconds, doubling, up to five minutes. What the topics
/// held is gone: consumers notice that themselves, see ``OffsetGap``.
public final class TopicMonitor: Service, Sendable {
  private struct State {
    var missing: [String] = []
    /// Why they could not be created.
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

  /// - Parameters:
  ///   - topics: those that the process reads or writes.
  ///   - partitions: of a topic that is created.
  ///   - replication: replicas of a topic that is created; -1 for the brokers' default.
  ///   - interval: how often the brokers are asked which topics there are.
  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
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

  /// Which topics are missing, for a process's readiness; nil where none is.
  public var problem: String? {
    state.withLock { state in
      guard !state.missing.isEmpty else { return nil }
      let missing = "missing: \(state.missing.joined(separator: ", "))"
      return state.failure.map { "\(missing); cannot be created: \($0)" } ?? "\(missing); being created again"
    }
  }

  /// Looks until graceful shutdown.
  public func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      var pause = Self.firstPause
      var nextAttempt = ContinuousClock.now
      while !Task.isCancelled {
        let missing = await look()
        if missing.isEmpty {
          pause = Self.firstPause
        } else if .now >= nextAttempt {
          await create(missing)
          nextAttempt = .now + pause
          pause = min(pause * 2, Self.longestPause)
        }
        // Not all processes at the same moment.
        do { try await Task.sleep(for: interval * Double.random(in: 0.8...1.2)) } catch { return }
      }
    }
  }

  /// The topics that are missing; none where no broker says so.
  private func look() async -> [Topic] {
    let names: Set<String>
    do {
      names = try await DedicatedThread.run("kafka-topics") { [client] in
        try client.handle.topicNames(action: "list topics", timeout: Self.timeout)
      }
    } catch {
      logger.debug("which topics there are is not known: \(error)")
      return []
    }
    let missing = topics.filter { !names.contains($0.name) }
    missingTopics.record(missing.count)
    let isNews = state.withLock { state in
      defer {
        state.missing = missing.map(\.name)
        if missing.isEmpty { state.failure = nil }
      }
      return state.missing != missing.map(\.name)
    }
    if isNews {
      if missing.isEmpty {
        logger.notice("all topics are there again")
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
