import Logging
import ServiceLifecycle

/// A Kafka producer: idempotent, acknowledged by all in-sync replicas, in order per partition.
///
/// While the brokers are unavailable, messages wait up to the delivery timeout. After a fatal error of librdkafka, the producer replaces the
/// client and produces unacknowledged messages again. A message may then arrive twice, but no message is lost, and the order is kept.
public final class Producer: Service, Sendable {
  private let delivering: DeliveringClient
  private let limit: InFlightLimit

  /// Creates a producer. It connects in the background.
  ///
  /// - Parameters:
  ///   - maximumInFlight: The maximum number of unacknowledged messages. Further calls of `send` wait.
  ///   - maximumBytesInFlight: The maximum size of unacknowledged messages, in bytes.
  ///   - deliveryTimeout: The time after which an unacknowledged message fails with ``KafkaError/Code/messageTimedOut``.
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
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

  /// Sends a message, and returns when it is acknowledged.
  ///
  /// - Throws: ``KafkaError``; `CancellationError` if the task is cancelled, in which case the message may still arrive.
  public func send(_ message: OutgoingMessage) async throws {
    try await send(contentsOf: [message])
  }

  /// Sends messages, and returns when all are acknowledged. Messages of one partition keep their order.
  ///
  /// - Throws: The ``KafkaError`` of the first failed message, with the ``KafkaError/failedIndices`` of all. The others have arrived.
  public func send(contentsOf messages: [OutgoingMessage]) async throws {
    if let failure = DeliveryReport.summary(try await deliver(messages)) { throw failure }
  }

  /// Sends messages, and returns when the outcome of each is known. Messages of one partition keep their order.
  ///
  /// - Returns: The errors of the failed messages, by their index. The others have arrived.
  /// - Throws: `CancellationError` if the task is cancelled, in which case the messages may still arrive.
  package func deliver(_ messages: [OutgoingMessage]) async throws -> [Int: KafkaError] {
    guard !messages.isEmpty else { return [:] }
    let report = DeliveryReport(messages: messages.count)
    for (index, message) in messages.enumerated() {
      let size = message.size
      try await limit.acquire(size: size)
      delivering.enqueue(message, size: size, completion: .report(report, index: index))
    }
    return try await report.wait()
  }

  /// Sends a message without waiting, if the limit of messages in flight permits.
  ///
  /// - Parameter onFailure: Called if the message does not arrive: on a thread of the producer, or before this method returns.
  /// - Returns: Whether the message was accepted. If not, `onFailure` is not called.
  func post(_ message: OutgoingMessage, onFailure: @escaping @Sendable (KafkaError) -> Void) -> Bool {
    let size = message.size
    guard limit.tryAcquire(size: size) else { return false }
    delivering.enqueue(message, size: size, completion: .onFailure(onFailure))
    return true
  }

  /// Sends messages without waiting, all or none of them, if the limit of messages in flight permits. Messages of one partition keep their
  /// order.
  ///
  /// - Parameter onCompletion: Called with the errors of the failed messages, by their index, when the outcomes of all messages are known: on a
  ///   thread of the producer, or before this method returns.
  /// - Returns: Whether the messages were accepted. If not, `onCompletion` is not called.
  package func post(_ messages: [OutgoingMessage], onCompletion: @escaping @Sendable ([Int: KafkaError]) -> Void) -> Bool {
    let sizes = messages.map(\.size)
    for (position, size) in sizes.enumerated() where !limit.tryAcquire(size: size) {
      for acquired in sizes[..<position] { limit.release(size: acquired) }
      return false
    }
    let report = DeliveryReport(messages: messages.count, onCompletion: onCompletion)
    for (index, message) in messages.enumerated() {
      delivering.enqueue(message, size: sizes[index], completion: .report(report, index: index))
    }
    return true
  }

  /// The number of unacknowledged messages.
  public var inFlight: Int { limit.messages }

  /// Waits for graceful shutdown, then delivers accepted messages for at most ten seconds.
  public func run() async throws {
    // On cancellation the producer is closed, too.
    _ = try? await gracefulShutdown()
    await close()
  }

  /// Delivers accepted messages for at most `timeout`. The rest, and later messages, fail with ``KafkaError/Code/closed``.
  public func close(timeout: Duration = .seconds(10)) async {
    await delivering.close(flush: timeout)
  }
}
