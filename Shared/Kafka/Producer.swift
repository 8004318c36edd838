import Logging
import ServiceLifecycle

/// Produces messages: idempotent, acknowledged by all in-sync replicas, in order per partition.
///
/// While the brokers are away messages wait, up to the delivery timeout, and are delivered when a broker is back. When librdkafka
/// meets an error that makes its client useless, the producer replaces the client and produces again what was not acknowledged:
/// so a message may arrive twice, but is not lost and does not overtake another.
public final class Producer: Service, Sendable {
  private let delivering: DeliveringClient
  private let limit: InFlightLimit

  /// - Parameters:
  ///   - maximumInFlight: how many messages may wait to be acknowledged; whoever sends more waits for a place.
  ///   - maximumBytesInFlight: the same for their size.
  ///   - deliveryTimeout: after how long without an acknowledgement a message fails with ``KafkaError/Code/messageTimedOut``.
  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
  public init(
    _ configuration: KafkaConfiguration, maximumInFlight: Int = 10_000, maximumBytesInFlight: Int = 256 << 20,
    deliveryTimeout: Duration = .seconds(300), logger: Logger
  ) throws {
    let limit = InFlightLimit(messages: maximumInFlight, bytes: maximumBytesInFlight)
    self.limit = limit
    delivering = try DeliveringClient(configuration, deliveryTimeout: deliveryTimeout, limit: limit, logger: logger)
  }

  deinit {
    delivering.stop(flush: .zero)
  }

  /// Returns when the broker has the message.
  ///
  /// - Throws: ``KafkaError``; `CancellationError` where the task is cancelled, in which case the message may still arrive.
  public func send(_ message: OutgoingMessage) async throws {
    try await send(contentsOf: [message])
  }

  /// Returns when the broker has all the messages. Those of one partition arrive in their order here.
  ///
  /// - Throws: ``KafkaError`` of the first that failed, with ``KafkaError/failedIndices`` naming all that did; the others have arrived.
  public func send(contentsOf messages: [OutgoingMessage]) async throws {
    if let failure = DeliveryReport.summary(try await deliver(messages)) { throw failure }
  }

  /// Returns when the fate of each message is known. Those of one partition arrive in their order here.
  ///
  /// - Returns: The errors of the messages that the broker does not have, by their index; the others have arrived.
  /// - Throws: `CancellationError` where the task is cancelled, in which case the messages may still arrive.
  package func deliver(_ messages: [OutgoingMessage]) async throws -> [Int: KafkaError] {
    guard !messages.isEmpty else { return [:] }
    let receipt = DeliveryReport(messages: messages.count)
    for (index, message) in messages.enumerated() {
      let size = message.size
      try await limit.acquire(size: size)
      delivering.enqueue(message, index: index, witness: receipt, size: size)
    }
    return try await receipt.wait()
  }

  /// Hands a message over without waiting for anything, where fewer are in flight than may be.
  ///
  /// - Parameter failed: Is told where the message does not arrive: by a thread of the producer's, or before this returns.
  /// - Returns: Whether it was taken; where it was not, `failed` is told nothing.
  func post(_ message: OutgoingMessage, failed: @escaping @Sendable (KafkaError) -> Void) -> Bool {
    let size = message.size
    guard limit.acquireAtOnce(size: size) else { return false }
    delivering.enqueue(message, index: 0, witness: FailureObserver(failed: failed), size: size)
    return true
  }

  /// The number of messages that are accepted and not yet acknowledged.
  public var inFlight: Int { limit.messages }

  /// Waits for graceful shutdown, then until what was accepted is delivered, at most ten seconds.
  public func run() async throws {
    // Cancelled rather than shut down: there is nothing else to do then but to close, too.
    _ = try? await gracefulShutdown()
    await close()
  }

  /// Delivers what was accepted, for at most `timeout`, and fails the rest and whatever comes later with ``KafkaError/Code/closed``.
  public func close(timeout: Duration = .seconds(10)) async {
    await delivering.close(flush: timeout)
  }
}
