import Kafka
import Models
import ServiceKit
import Tracing

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
  /// The spans of messages whose traces are sampled. They are the parents of what follows from the messages.
  private(set) var spans: [any Span] = []

  init(_ messages: [Message]) {
    for message in messages {
      do {
        var event = try message.cloudEvent()
        if let span = ConsumerSpans.start(for: message, traceparent: event.traceparent, group: "invitation-mailer") {
          event.traceparent = span.trace?.traceparent
          spans.append(span)
        }
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
