import Foundation
import Kafka
import Logging
import Models
import ServiceLifecycle

/// Keeps a consumer's ``ConsumerHistory``, and has lost state published again.
///
/// Messages that the group missed are recorded, once, and where they were events about identity-store's state, a ``Rebuild`` is requested: one for
/// all partitions that are found at the same time. Only then is the gap acknowledged, so that a process that ends in between finds it again.
public struct SkippedMessageRecorder: Service {
  private let consumer: Consumer
  private let history: ConsumerHistory
  private let rebuild: RebuildRequest?
  private let logger: Logger
  /// How long gaps are gathered: partitions are assigned together, but noticed one after the other.
  private let gathering: Duration
  /// How often the group's offsets are noted.
  private let interval: Duration

  /// How a rebuild is requested.
  public struct RebuildRequest: Sendable {
    /// Whether invitation-mailer makes up for invitations that it knows nothing of.
    let invitations: Restatement.Invitations
    /// The process that asks, as its messages name it: `group-sync/0`.
    let source: String
    let producer: Producer

    public init(invitations: Restatement.Invitations, source: String, producer: Producer) {
      self.invitations = invitations
      self.source = source
      self.producer = producer
    }

    func send(_ id: CommandID, for consumer: String, because reason: String, at time: Date) async throws {
      let rebuild = Rebuild(consumer: consumer, reason: reason, invitations: invitations)
      let command = rebuild.command(id: id, by: String(source.prefix { $0 != "/" }), at: time)
      try await producer.send(
        OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.resource.description))
    }
  }

  /// - Parameter rebuild: how to have the present state published again; nil for a consumer that keeps none.
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

  public func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await noteOffsets() }
        group.addTask {
          // What an earlier run recorded and did not ask for.
          await untilDone("asking for what is to be published again") { try await requestRebuilds() }
          await recordGaps()
        }
      }
    }
  }

  private func recordGaps() async {
    let (arrivals, arriving) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let waiting = Waiting()
    await withDiscardingTaskGroup { group in
      group.addTask {
        for await gap in consumer.gaps {
          await waiting.add(gap)
          arriving.yield()
        }
        arriving.finish()
      }
      for await _ in arrivals {
        do { try await Task.sleep(for: gathering) } catch { return }
        let gaps = await waiting.take()
        if !gaps.isEmpty { await handle(gaps) }
      }
    }
  }

  /// Gaps that are to be recorded.
  private actor Waiting {
    private var gaps: [OffsetGap] = []

    func add(_ gap: OffsetGap) { gaps.append(gap) }

    func take() -> [OffsetGap] {
      defer { gaps = [] }
      return gaps
    }
  }

  private func handle(_ gaps: [OffsetGap]) async {
    let now = Date()
    let id = CommandID.made(at: now)
    let losses = gaps.filter { $0.cause != .neverRead || isRestated($0) }
    if !losses.isEmpty {
      await untilDone("recording skipped messages") {
        try await history.record(losses, at: now) { isRestated($0) ? id : nil }
        try await requestRebuilds()
      }
    }
    for gap in gaps {
      await untilDone("committing behind skipped messages") { try await consumer.acknowledge(gap) }
      guard gap.cause != .neverRead else { continue }
      let consequence =
        isRestated(gap)
        ? "identity-store is asked to publish the present state again; 'scimctl doctor' says when that is done"
        : "they are lost; 'scimctl doctor' says what that means"
      logger.error("\(gap): \(consequence)", metadata: ["kafka.group": "\(history.consumer)"])
    }
  }

  /// Whether the messages of the gap's topic can be published again, and the consumer wants them.
  private func isRestated(_ gap: OffsetGap) -> Bool { rebuild != nil && gap.partition.topic == Topic.identityEvents.name }

  private func requestRebuilds() async throws {
    guard let rebuild else { return }
    for (id, reason) in try await history.pendingRebuilds() {
      let now = Date()
      try await rebuild.send(id, for: history.consumer, because: reason, at: now)
      try await history.noteRequested(id, at: now)
      logger.notice("identity-store is asked to publish the present state again", metadata: ["command": "\(id)", "reason": "\(reason)"])
    }
  }

  private func noteOffsets() async {
    var noted = consumer.recordedOffsets
    while !Task.isCancelled {
      do { try await Task.sleep(for: interval) } catch {}
      let offsets = consumer.recordedOffsets
      let changed = offsets.filter { noted[$0.key] != $0.value }
      do {
        try await history.note(changed)
        noted = offsets
      } catch {
        if !Task.isCancelled { logger.warning("the consumer's offsets are not noted", metadata: ["error": "\(error)"]) }
      }
    }
  }

  /// Does something until it is done, or the process is to end.
  private func untilDone(_ what: String, _ body: () async throws -> Void) async {
    while !Task.isCancelled {
      do {
        return try await body()
      } catch {
        guard !Task.isCancelled else { return }
        logger.warning("\(what) failed, trying again", metadata: ["error": "\(error)"])
        do { try await Task.sleep(for: .seconds(1)) } catch { return }
      }
    }
  }
}
