import Kafka
import Models

/// An event as it came from the topic.
struct ReceivedEvent: Sendable {
  let event: IdentityEvent
  /// Goes on to what the product is told because of it.
  let traceparent: String?
  /// For the dead-letter topic, should it come to that.
  let message: Message

  init(_ message: Message) throws(MessageError) {
    let event = try message.cloudEvent()
    self.event = try IdentityEvent(event)
    self.traceparent = event.traceparent
    self.message = message
  }
}
