import Foundation
import Kafka
import Logging
import Models
import ServiceLifecycle
import Synchronization

/// Counts from where tokens are used, and tells identity-store every few seconds: no request waits for it.
package final class TokenUseLog: Service {
  private struct State {
    var counts = TokenUseCounts()
    /// What was not taken yet, oldest first. Sent again under the same ids, so that what arrived all the same is counted once.
    var unsent: [Command] = []
  }

  private let state = Mutex(State())
  private let interval: Duration
  private let source: String
  private let producer: any MessageProducer
  private let logger: Logger

  private static let lastPatience = Duration.seconds(2)
  /// The most commands that wait to be sent; those beyond are given up, since they are about who knows when.
  private static let maximumUnsent = 10_000

  /// A log that is sent every `interval` through `producer`.
  package init(interval: Duration, source: String, producer: any MessageProducer, logger: Logger) {
    self.interval = interval
    self.source = source
    self.logger = logger
    self.producer = producer
  }

  /// Records that `caller` sent a request from `address`.
  package func record(_ caller: Caller, from address: String?, at now: Date) {
    state.withLock { $0.counts.record(caller.token, of: caller.workspace, from: address ?? "", at: now) }
  }

  /// Tells every `interval`, and once more at graceful shutdown.
  package func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      while !Task.isCancelled {
        do { try await Task.sleep(for: interval) } catch { break }
        await tell()
      }
    }
    // The end of the process does not wait for Kafka, should it be away.
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.tell() }
      group.addTask { _ = try? await Task.sleep(for: Self.lastPatience) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Sends what was counted since.
  func tell(at now: Date = Date()) async {
    let service = Command.Actor.service(String(source.prefix { $0 != "/" }))
    state.withLock { state in
      for (workspace, uses) in state.counts.take() {
        state.unsent.append(
          Command(
            id: .made(at: now), workspace: workspace, resource: workspace.resource, actor: service, issuedAt: now,
            operation: .recordTokenUses(uses)))
      }
      state.unsent.removeFirst(max(0, state.unsent.count - Self.maximumUnsent))
    }
    while let command = state.withLock({ $0.unsent.first }) {
      do {
        let event = try command.cloudEvent(source: source)
        try await producer.send(contentsOf: [OutgoingMessage(event, topic: .identityCommands, key: command.resource.description)])
      } catch let error as KafkaError where error.isAboutMessage {
        logger.error("uses of tokens cannot be told and are dropped", metadata: ["error": "\(error)", "workspace": "\(command.workspace)"])
      } catch {
        logger.warning("uses of tokens not told; they are kept for the next time", metadata: ["error": "\(error)"])
        return
      }
      state.withLock { state in
        if state.unsent.first?.id == command.id { state.unsent.removeFirst() }
      }
    }
  }
}

/// How often each token was used from where, day by day.
struct TokenUseCounts: Sendable, Equatable {
  private struct Place: Hashable {
    var token: TokenID
    /// Days since 1970, in UTC.
    var day: Int
    var address: String
  }

  private struct Count: Equatable {
    var uses: Int64
    var last: Date
  }

  private var counts: [WorkspaceID: [Place: Count]] = [:]
  private var addresses: [Place: Int] = [:]

  /// From beyond as many addresses as are told apart, the uses are counted together.
  mutating func record(_ token: TokenID, of workspace: WorkspaceID, from address: String, at now: Date) {
    let day = Int((now.timeIntervalSince1970 / 86_400).rounded(.down))
    var place = Place(token: token, day: day, address: address)
    if counts[workspace]?[place] == nil {
      let together = Place(token: token, day: day, address: "")
      if addresses[together, default: 0] >= TokenUses.maximumAddresses {
        place = together
      } else {
        addresses[together, default: 0] += 1
      }
    }
    let before = counts[workspace]?[place]
    counts[workspace, default: [:]][place] = Count(uses: (before?.uses ?? 0) + 1, last: max(before?.last ?? now, now))
  }

  /// What was counted, of each workspace; it begins anew.
  mutating func take() -> [(workspace: WorkspaceID, uses: TokenUses)] {
    defer { self = TokenUseCounts() }
    return counts.sorted { $0.key < $1.key }.flatMap { workspace, counts in
      let uses = counts.map { place, count in
        TokenUses.Use(token: place.token, address: place.address, count: count.uses, lastUsedAt: count.last)
      }.sorted { ($0.token, $0.lastUsedAt) < ($1.token, $1.lastUsedAt) }
      return stride(from: 0, to: uses.count, by: Self.maximumUses).map { start in
        (workspace, TokenUses(uses: Array(uses[start..<min(start + Self.maximumUses, uses.count)])))
      }
    }
  }

  /// Of one command.
  private static let maximumUses = 1000
}
