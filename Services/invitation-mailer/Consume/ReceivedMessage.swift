import Kafka
import Models

/// An identity event that was read from its topic.
struct ReceivedChange: Sendable {
  let event: IdentityEvent
  /// The W3C trace context of the event.
  let traceparent: String?
  /// The message of the event, for the dead letters.
  let message: Message
}

/// A report from the mail system that was read from its topic.
struct ReceivedReport: Sendable {
  let report: MailEvent
  /// The message of the report, for the dead letters.
  let message: Message
}

/// The messages of a batch by kind, in their order.
struct ReadBatch: Sendable {
  var changes: [ReceivedChange] = []
  var signIns: [ReceivedSignIn] = []
  var reports: [ReceivedReport] = []
  /// Messages that could not be parsed, and why.
  var unreadable: [(message: Message, error: MessageError)] = []

  init(_ messages: [Message]) {
    for message in messages {
      do {
        let event = try message.cloudEvent()
        switch message.topic {
        case Topic.signInEvents.name: signIns.append(ReceivedSignIn(try SignIn(event), of: event))
        case Topic.mailEvents.name: reports.append(ReceivedReport(report: try MailEvent(event), message: message))
        default: changes.append(ReceivedChange(event: try IdentityEvent(event), traceparent: event.traceparent, message: message))
        }
      } catch {
        unreadable.append((message, error))
      }
    }
  }
}
