import Foundation
import Kafka
import Logging
import Models
import ServiceLifecycle
import Synchronization

/// Counts the uses of tokens per client address, and sends the counts to identity-store periodically. No request waits for it.
package final class TokenUseLog: Service {
  private struct State {
    var counts = TokenUseCounts()
    /// The commands that Kafka has not acknowledged, oldest first. They are sent again with the same ids, so each is counted once.
    var unsent: [Command] = []
  }

  private let state = Mutex(State())
  private let interval: Duration
  private let source: String
  private let producer: any MessageProducer
  private let logger: Logger

  private static let shutdownTimeout = Duration.seconds(2)
  /// The maximum number of unsent commands. Further ones replace the oldest.
  private static let maximumUnsent = 10_000

  /// A log that sends its counts every `interval` through `producer`.
  ///
  /// - Parameter source: the `source` of the messages: this process.
  package init(interval: Duration, source: String, producer: any MessageProducer, logger: Logger) {
    self.interval = interval
    self.source = source
    self.logger = logger
    self.producer = producer
  }

  /// Records that `caller` sent a request from `address`.
  package func record(_ caller: Caller, from address: String?, at now: Date) {
    state.withLock { $0.counts.record(caller.token, of: caller.home, from: address ?? "", at: now) }
  }

  /// Sends the counts every `interval`, and once more at graceful shutdown.
  package func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      while !Task.isCancelled {
        do { try await Task.sleep(for: interval) } catch { break }
        await send()
      }
    }
    // Shutdown does not wait longer for Kafka.
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.send() }
      group.addTask { _ = try? await Task.sleep(for: Self.shutdownTimeout) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Sends the counts since the last call, and the commands that are still unsent.
  func send(at now: Date = Date()) async {
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
        try await producer.send(contentsOf: [OutgoingMessage(event, topic: .identityCommands, key: command.workspace.description)])
      } catch let error as KafkaError where error.isAboutMessage {
        logger.error(
          "cannot send the uses of tokens; they are dropped", metadata: ["error": "\(error)", "workspace": "\(command.workspace)"])
      } catch {
        logger.warning("cannot send the uses of tokens; will try again", metadata: ["error": "\(error)"])
        return
      }
      state.withLock { state in
        if state.unsent.first?.id == command.id { state.unsent.removeFirst() }
      }
    }
  }
}

/// The number of uses per token, day and client address.
struct TokenUseCounts: Sendable, Equatable {
  private struct Key: Hashable {
    var workspace: WorkspaceID
    var token: TokenID
    /// Days since 1970, in UTC.
    var day: Int
    var address: String
  }

  private struct Count: Equatable {
    var uses: Int64
    var last: Date

    mutating func add(_ time: Date) {
      uses += 1
      last = max(last, time)
    }
  }

  private var counts: [Key: Count] = [:]
  private var addresses: [Key: Int] = [:]

  /// Counts a use. Uses from addresses beyond `TokenUses.maximumAddresses` of a token and day are counted together.
  mutating func record(_ token: TokenID, of workspace: WorkspaceID, from address: String, at now: Date) {
    let day = Int((now.timeIntervalSince1970 / 86_400).rounded(.down))
    var key = Key(workspace: workspace, token: token, day: day, address: address)
    if counts[key]?.add(now) != nil { return }
    var overflow = key
    overflow.address = ""
    if addresses[overflow, default: 0] >= TokenUses.maximumAddresses {
      key = overflow
    } else {
      addresses[overflow, default: 0] += 1
    }
    counts[key, default: Count(uses: 0, last: now)].add(now)
  }

  /// Removes and returns the counts, by workspace and in parts of at most ``maximumUses``.
  mutating func take() -> [(workspace: WorkspaceID, uses: TokenUses)] {
    defer { self = TokenUseCounts() }
    return Dictionary(grouping: counts, by: \.key.workspace).sorted { $0.key < $1.key }.flatMap { workspace, counts in
      let uses = counts.map { key, count in
        TokenUses.Use(token: key.token, address: key.address, count: count.uses, lastUsedAt: count.last)
      }.sorted { ($0.token, $0.lastUsedAt) < ($1.token, $1.lastUsedAt) }
      return stride(from: 0, to: uses.count, by: Self.maximumUses).map { start in
        (workspace, TokenUses(uses: Array(uses[start..<min(start + Self.maximumUses, uses.count)])))
      }
    }
  }

  /// The maximum number of uses in a command.
  private static let maximumUses = 1000
}
