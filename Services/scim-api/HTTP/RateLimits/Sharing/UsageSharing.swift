import Foundation
import Kafka
import Logging
import Metrics
import Models
import ServiceLifecycle
import Synchronization

/// Shares the limits of tokens and workspaces among all edges: sends the requests that this edge has accepted to the others, and subtracts theirs
/// from its own limits.
///
/// While messages do not arrive, this edge limits by itself. ``UsageExchange`` decides what is sent when; without requests, or with a single edge,
/// there are neither messages nor timers.
package final class UsageSharing: Service {
  private struct State {
    var exchange: UsageExchange
    /// The number of edges for which the limits were shared last.
    var edges = 1
    var wasInterrupted = false
    var hasLoggedUnreadable = false
  }

  private let state: Mutex<State>
  private let limits: RateLimits
  private let source: String
  private let interval: Duration
  private let producer: Producer
  private let logger: Logger
  private let wakeUps: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation
  private let configuration: KafkaConfiguration
  private let edges = Gauge(label: "rollcall_rate_limit_edges")

  private static let shutdownTimeout = Duration.seconds(1)

  /// Creates the service, which connects when ``run()`` starts.
  ///
  /// - Parameters:
  ///   - interval: how long requests collect before they are sent.
  ///   - source: the `source` of the messages: this process.
  package init(
    _ limits: RateLimits, interval: Duration, source: String, configuration: KafkaConfiguration, producer: Producer, logger: Logger
  ) {
    self.limits = limits
    self.interval = interval
    self.source = source
    self.configuration = configuration
    self.producer = producer
    self.logger = logger
    (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    state = Mutex(
      State(exchange: UsageExchange(edge: .made(at: Date()), process: "\(ProcessInfo.processInfo.hostName) \(source)")))
    edges.record(1)
  }

  /// Exchanges usage until graceful shutdown, and then tells the other edges that this one ends.
  ///
  /// - Throws: `KafkaError` if messages can no longer be read.
  package func run() async throws {
    let reader = try BroadcastReader(
      configuration, topic: .edgeUsage, partition: EdgeUsage.partition, logger: logger,
      onReady: { self.announce() }, onMessage: { self.receive($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await reader.run() }
      group.addTask { await self.publish() }
      for try await _ in group {}
    }
  }

  private func announce() {
    state.withLock { $0.exchange.announce() }
    wakeUp.yield()
  }

  private func receive(_ message: Message) {
    let usage: EdgeUsage
    do {
      usage = try EdgeUsage(try message.cloudEvent())
    } catch {
      logUnreadable(error)
      return
    }
    let now = limits.now()
    let counts = state.withLock { $0.exchange.receive(usage, at: now) }
    if counts { limits.subtract(usage.counts) }
    apply()
    if state.withLock({ $0.exchange.isUnsettled }) { wakeUp.yield() }
  }

  /// Sends what is due, `interval` after there is something.
  private func publish() async {
    await cancelWhenGracefulShutdown { [self] in
      for await _ in wakeUps {
        repeat {
          do { try await Task.sleep(for: interval) } catch { return }
          sendNext()
        } while state.withLock({ $0.exchange.isUnsettled })
      }
    }
    await leave()
  }

  private func sendNext() {
    let now = limits.now()
    let usage = state.withLock { $0.exchange.nextMessage(at: now) { limits.takeUsage() } }
    apply()
    guard let usage else { return }
    let number = usage.sequence
    do {
      let isAccepted = producer.post([try message(usage)]) { [weak self] failures in
        if let failure = failures[0] { self?.logger.debug("usage was not sent: \(failure)") }
        self?.didSend(number)
      }
      if !isAccepted { didSend(number) }
    } catch {
      logger.error("usage cannot be sent: \(error)")
      didSend(number)
    }
  }

  private func didSend(_ number: Int) { state.withLock { $0.exchange.didSend(number) } }

  private func message(_ usage: EdgeUsage) throws -> OutgoingMessage {
    OutgoingMessage(
      try usage.cloudEvent(source: source, time: Date()), topic: .edgeUsage, key: usage.edge.description, partition: EdgeUsage.partition)
  }

  /// Sends the last usage. Shutdown does not wait long for Kafka.
  private func leave() async {
    let now = limits.now()
    guard let usage = state.withLock({ $0.exchange.lastMessage(at: now) { limits.takeUsage() } }) else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await self.producer.send(try self.message(usage))
        } catch {
          self.logger.debug("the last usage was not sent: \(error)")
        }
      }
      group.addTask { _ = try? await Task.sleep(for: Self.shutdownTimeout) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Shares the limits among the known edges, and logs whether messages arrive when that changes.
  private func apply() {
    state.withLock { state in
      let (count, isInterrupted) = (state.exchange.edges, state.exchange.isInterrupted)
      if count != state.edges {
        limits.share(among: count) { [wakeUp] in wakeUp.yield() }
        logger.debug("\(count) scim-api processes share the rate limits")
      }
      if isInterrupted != state.wasInterrupted {
        if isInterrupted {
          logger.warning(
            "messages on '\(Topic.edgeUsage.name)' do not arrive; until they do, rate limits count only the requests of this process")
        } else {
          logger.notice("rate limits count the requests of all scim-api processes again")
        }
      }
      if count != state.edges || isInterrupted != state.wasInterrupted { edges.record(isInterrupted ? 0 : count) }
      state.edges = count
      state.wasInterrupted = isInterrupted
    }
  }

  /// Logs the first message that cannot be read, of a newer release for example, and further ones at debug level.
  private func logUnreadable(_ error: any Error) {
    let isFirst = state.withLock { state in
      defer { state.hasLoggedUnreadable = true }
      return !state.hasLoggedUnreadable
    }
    logger.log(level: isFirst ? .warning : .debug, "ignored a message on '\(Topic.edgeUsage.name)': \(error)")
  }
}
