import Foundation
import Kafka
import Logging
import Models
import ServiceLifecycle

/// Records the offsets of a consumer and the messages that it missed, and requests a rebuild of lost state.
///
/// Missed messages are recorded once. If they were events about the state of identity-store, a `Rebuild` is requested: one for all partitions
/// with gaps at the same time. The gap is acknowledged after that, so that it is found again if the process ends before.
public struct SkippedMessageRecorder: Service {
  private let consumer: Consumer
  private let history: ConsumerHistory
  private let rebuild: RebuildRequest?
  private let logger: Logger
  /// How long gaps are collected: partitions are assigned together, but their gaps are found one after the other.
  private let gathering: Duration
  /// The interval at which the offsets of the group are recorded.
  private let interval: Duration

  /// The request for a rebuild.
  public struct RebuildRequest: Sendable {
    /// Which invitations invitation-mailer sends after the rebuild.
    let invitations: Restatement.Invitations
    /// The source of the request: `group-sync/0`.
    let source: String
    let producer: Producer

    /// Creates a request.
    public init(invitations: Restatement.Invitations, source: String, producer: Producer) {
      self.invitations = invitations
      self.source = source
      self.producer = producer
    }

    func send(_ id: CommandID, for consumer: String, because reason: String, at time: Date) async throws {
      let rebuild = Rebuild(consumer: consumer, reason: reason, invitations: invitations)
      let command = rebuild.command(id: id, by: String(source.prefix { $0 != "/" }), at: time)
      try await producer.send(
        OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description))
    }
  }

  /// Creates a recorder.
  ///
  /// - Parameters:
  ///   - rebuild: Requests the current state; nil for a consumer that stores none.
  ///   - gathering: How long gaps are collected before they are recorded.
  ///   - interval: The interval at which offsets are recorded.
  public init(
    _ consumer: Consumer, history: ConsumerHistory, rebuild: RebuildRequest?, gathering: Duration = .seconds(2),
    interval: Duration = .seconds(10), logger: Logger
  ) {
    self.consumer = consumer
    self.history = history
    self.rebuild = rebuild
    self.gathering = gathering
    self.interval = interval
    self.logger = logger
  }

  /// Records gaps and offsets until graceful shutdown.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await recordOffsets() }
        group.addTask {
          // Rebuilds that an earlier run recorded and did not request.
          await retry("requesting rebuilds") { try await requestRebuilds() }
          await recordGaps()
        }
      }
    }
  }

  private func recordGaps() async {
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let collected = CollectedGaps()
    await withDiscardingTaskGroup { group in
      group.addTask {
        for await gap in consumer.gaps {
          await collected.add(gap)
          arrival.yield()
        }
        arrival.finish()
      }
      for await _ in arrivals {
        do { try await Task.sleep(for: gathering) } catch { return }
        let gaps = await collected.removeAll()
        if !gaps.isEmpty { await record(gaps) }
      }
    }
  }

  /// Gaps that are not recorded yet.
  private actor CollectedGaps {
    private var gaps: [OffsetGap] = []

    func add(_ gap: OffsetGap) { gaps.append(gap) }

    func removeAll() -> [OffsetGap] {
      defer { gaps = [] }
      return gaps
    }
  }

  private func record(_ gaps: [OffsetGap]) async {
    let now = Date()
    let id = CommandID.made(at: now)
    let losses = gaps.filter { $0.cause != .neverRead || isRestated($0) }
    if !losses.isEmpty {
      await retry("recording skipped messages") {
        try await history.record(losses, at: now) { isRestated($0) ? id : nil }
        try await requestRebuilds()
      }
    }
    for gap in gaps {
      await retry("committing behind skipped messages") { try await consumer.acknowledge(gap) }
      guard gap.cause != .neverRead else { continue }
      let consequence =
        isRestated(gap)
        ? "identity-store is asked to publish the present state again; 'scimctl doctor' says when that is done"
        : "they are lost; 'scimctl doctor' says what that means"
      logger.error("\(gap): \(consequence)", metadata: ["kafka.group": "\(history.consumer)"])
    }
  }

  /// Whether a rebuild restores the messages of the gap.
  private func isRestated(_ gap: OffsetGap) -> Bool { rebuild != nil && gap.partition.topic == Topic.identityEvents.name }

  private func requestRebuilds() async throws {
    guard let rebuild else { return }
    for (id, reason) in try await history.pendingRebuilds() {
      let now = Date()
      try await rebuild.send(id, for: history.consumer, because: reason, at: now)
      try await history.recordRequest(of: id, at: now)
      logger.notice("identity-store is asked to publish the present state again", metadata: ["command": "\(id)", "reason": "\(reason)"])
    }
  }

  private func recordOffsets() async {
    var recorded = consumer.recordedOffsets
    while !Task.isCancelled {
      do { try await Task.sleep(for: interval) } catch {}
      let offsets = consumer.recordedOffsets
      let changed = offsets.filter { recorded[$0.key] != $0.value }
      do {
        try await history.record(changed)
        recorded = offsets
      } catch {
        if !Task.isCancelled { logger.warning("the offsets of the consumer are not recorded", metadata: ["error": "\(error)"]) }
      }
    }
  }

  /// Repeats an operation until it succeeds or the process shuts down.
  private func retry(_ description: String, _ body: () async throws -> Void) async {
    while !Task.isCancelled {
      do {
        return try await body()
      } catch {
        guard !Task.isCancelled else { return }
        logger.warning("\(description) failed, trying again", metadata: ["error": "\(error)"])
        do { try await Task.sleep(for: .seconds(1)) } catch { return }
      }
    }
  }
}
