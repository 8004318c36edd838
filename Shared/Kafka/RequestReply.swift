import Foundation
import Logging
import Metrics
import Models
import ServiceLifecycle

/// A request-reply client: sends requests and awaits their replies on this process's partition of the reply topic.
///
/// It reads the partition from the end that it had before the first request. Replies without a waiting request are ignored: those of an earlier
/// run, of requests that timed out, and of another process that shares the partition.
public final class RequestReply: Service, Sendable {
  private let producer: Producer
  private let reader: ReplyReader
  private let pending: ReplyRegistry
  private let brokers: String
  private let roundTrip = Metrics.Timer(label: "kafka_request_seconds")
  private let unanswered = Counter(label: "kafka_requests_unanswered_total")

  /// Creates a client, which connects when ``run()`` starts.
  ///
  /// - Parameters:
  ///   - instance: The ordinal of this process among the replicas of its service. Its partition is the ordinal modulo the number of partitions.
  ///   - maximumPending: The maximum number of requests that wait for a reply. Further ones fail with ``KafkaError/Code/tooManyPending``.
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(
    _ configuration: KafkaConfiguration, producer: Producer, replyTopic: Topic, instance: Int, maximumPending: Int = 10_000,
    logger: Logger
  ) throws {
    self.producer = producer
    brokers = configuration.bootstrapServers
    pending = ReplyRegistry(maximum: maximumPending, brokers: brokers)
    reader = try ReplyReader(configuration, topic: replyTopic.name, instance: instance, pending: pending, logger: logger)
  }

  deinit {
    reader.stop()
  }

  /// An address for the reply to a request, with a new correlation id.
  ///
  /// - Throws: ``KafkaError/Code/notReady`` until the partition and its end are known; see ``waitUntilReady()``.
  public func address() throws(KafkaError) -> ReplyAddress {
    guard let partition = reader.partition else {
      throw KafkaError(
        own: .notReady, action: "request", brokers: brokers, topic: reader.topic, reason: "the partition for replies is not known yet",
        isRetriable: true)
    }
    return ReplyAddress(partition: partition, correlationID: "\(Identifier<RequestReply>.made(at: Date()))")
  }

  /// Whether requests can be sent.
  public var isReady: Bool { reader.partition != nil }

  /// Whether the reply topic has disappeared, so that no replies can arrive.
  public var hasLostReplyTopic: Bool { reader.isTopicLost }

  /// The name of the reply topic.
  public var replyTopic: String { reader.topic }

  /// Waits until requests can be sent.
  ///
  /// - Throws: ``KafkaError/Code/closed`` if the service ends before; `CancellationError`.
  public func waitUntilReady() async throws {
    try await reader.waitUntilReady()
  }

  /// The number of requests that wait for a reply.
  public var pendingRequests: Int { pending.count }

  /// Sends a request and awaits its reply: the message with this `correlationid` (a CloudEvents attribute) on the reply topic.
  ///
  /// - Returns: The reply; nil if there was none by the deadline. The request may still be processed then.
  /// - Throws: ``KafkaError`` if the request could not be sent, or too many are pending; `CancellationError`.
  public func request(_ message: OutgoingMessage, correlationID: String, deadline: Date) async throws -> CloudEvent? {
    _ = try address()
    let start = ContinuousClock.now
    try pending.register(correlationID, deadline: start + .seconds(max(deadline.timeIntervalSinceNow, 0)))
    defer { pending.remove(correlationID) }
    // The reply shows that the message arrived, so the acknowledgement of the broker is not awaited.
    let isAccepted = producer.post(message) { [pending] failure in pending.complete(correlationID, .failure(failure)) }
    guard isAccepted else {
      throw KafkaError(
        own: .tooManyPending, action: "request", brokers: brokers, reason: "too many messages wait to be acknowledged", isRetriable: true)
    }
    let reply = try await pending.reply(to: correlationID)
    try Task.checkCancellation()
    if reply == nil { unanswered.increment() }
    roundTrip.recordNanoseconds((ContinuousClock.now - start).nanoseconds)
    return reply
  }

  /// Reads replies until graceful shutdown, and then until all pending requests are answered or past their deadline.
  ///
  /// - Throws: ``KafkaError`` if replies can no longer be read.
  public func run() async throws {
    let reader = reader
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        try await reader.run()
      } onGracefulShutdown: {
        reader.stopWhenIdle()
      }
    } onCancel: {
      reader.stop()
    }
  }
}
