import Kafka
import ServiceContextModule
import Tracing

/// The spans of consumed messages, by OpenTelemetry's conventions for messaging: one for each message whose trace is sampled, and one for the
/// batch that processes them together.
///
/// The span of the batch is a child of the first message's span, so that what it does is part of a trace. It has links to the spans of all
/// messages, and the others have a link to it.
public enum ConsumerSpans {
  /// Starts the span of a message; nil if its trace is not sampled.
  ///
  /// - Parameter traceparent: The `traceparent` of the message, which names the parent.
  public static func start(for message: Message, traceparent: String?, group: String) -> (any Span)? {
    TraceContext.sampled(traceparent)?.startSpan(
      "process \(message.topic)", ofKind: .consumer,
      attributes: {
        var attributes = messaging(group: group)
        attributes["messaging.destination.name"] = message.topic
        attributes["messaging.destination.partition.id"] = String(message.partition)
        attributes["messaging.kafka.offset"] = Int(message.offset)
        return attributes
      }())
  }

  /// Runs `body`, which processes a batch, in the span of the batch, and ends it and those of the messages that have not ended yet. Without
  /// spans of messages it only runs `body`.
  ///
  /// - Parameters:
  ///   - spans: The spans of those of the batch's messages that have one.
  ///   - count: The number of messages.
  public static func processBatch<Result>(
    _ spans: [any Span], of count: Int, group: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    guard let batch = start(spans, of: count, group: group) else { return try await body() }
    do {
      let result = try await batch.run(body)
      for span in spans { span.end() }
      return result
    } catch {
      for span in spans { span.end(with: error) }
      throw error
    }
  }

  private static func start(_ spans: [any Span], of count: Int, group: String) -> (any Span)? {
    guard
      let batch = spans.first?.trace?.startSpan(
        "process batch", ofKind: .consumer,
        attributes: {
          var attributes = messaging(group: group)
          attributes["messaging.batch.message_count"] = count
          return attributes
        }())
    else { return nil }
    for span in spans { batch.addLink(SpanLink(context: span.context, attributes: [:])) }
    for span in spans.dropFirst() { span.addLink(SpanLink(context: batch.context, attributes: [:])) }
    return batch
  }

  private static func messaging(group: String) -> SpanAttributes {
    [
      "messaging.system": "kafka", "messaging.operation.type": "process", "messaging.operation.name": "process",
      "messaging.consumer.group.name": .string(group),
    ]
  }
}
