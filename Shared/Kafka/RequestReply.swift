import Foundation
import Logging
import Metrics
import Models
import ServiceLifecycle

/// Sends requests and awaits their replies, which come to this process's own partition of the reply topic.
///
/// Reads that partition from the end it had before the first request was sent. Replies that nobody waits for are ignored: those of
/// an earlier run, of requests that were given up, or of another process that shares the partition.
public final class RequestReply: Service, Sendable {
  private let producer: Producer
  private let reader: ReplyReader
  private let pending: PendingRequests
  private let brokers: String
  private let roundTrip = Metrics.Timer(label: "kafka_request_seconds")
  private let unanswered = Counter(label: "kafka_requests_unanswered_total")

  /// - Parameters:
  ///   - instance: this process's ordinal among its like. Its partition is the ordinal modulo the topic's number of partitions.
  ///   - maximumPending: how many requests may wait for a reply; one more fails with ``KafkaError/Code/tooManyPending``.
  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
  public init(
    _ configuration: KafkaConfiguration, producer: Producer, replyTopic: Topic, instance: Int, maximumPending: Int = 10_000,
    logger: Logger
  ) throws {
    self.producer = producer
    brokers = configuration.bootstrapServers
    pending = PendingRequests(maximum: maximumPending, brokers: brokers)
    reader = try ReplyReader(configuration, topic: replyTopic.name, instance: instance, pending: pending, logger: logger)
  }

  deinit {
    reader.stop()
  }

  /// Where replies to this process go, with a correlation id that was never used before.
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

  /// Whether no reply could come, because the reply topic is missing though it was there before.
  public var hasLostReplyTopic: Bool { reader.isLost }

  /// The topic that replies come on.
  public var replyTopic: String { reader.topic }

  /// Returns when requests can be sent.
  ///
  /// - Throws: ``KafkaError/Code/closed`` where the service ends before that; `CancellationError`.
  public func waitUntilReady() async throws {
    try await reader.waitUntilReady()
  }

  /// The number of requests that wait for a reply.
  public var pendingRequests: Int { pending.count }

  /// Sends a request and awaits its reply: the message of the reply topic whose CloudEvents attribute `correlationid` is this.
  ///
  /// - Returns: nil where no reply came by the deadline. The request may still be carried out then.
  /// - Throws: ``KafkaError`` where the request could not be sent, or too many are pending; `CancellationError`.
  public func request(_ message: OutgoingMessage, correlationID: String, deadline: Date) async throws -> CloudEvent? {
    _ = try address()
    let start = ContinuousClock.now
    try pending.register(correlationID, deadline: start + .seconds(max(deadline.timeIntervalSinceNow, 0)))
    defer { pending.remove(correlationID) }
    // The reply says that the message arrived, so that nobody waits for the broker's word on it.
    let isTaken = producer.post(message) { [pending] failure in pending.settle(correlationID, .failure(failure)) }
    guard isTaken else {
      throw KafkaError(
        own: .tooManyPending, action: "request", brokers: brokers, reason: "too many messages wait to be acknowledged", isRetriable: true)
    }
    let reply = try await pending.reply(to: correlationID)
    try Task.checkCancellation()
    if reply == nil { unanswered.increment() }
    roundTrip.recordNanoseconds((ContinuousClock.now - start).nanoseconds)
    return reply
  }

  /// Reads replies until graceful shutdown, and then until the requests that are pending are answered or past their deadline.
  ///
  /// - Throws: ``KafkaError`` where no reply can be read any more.
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
