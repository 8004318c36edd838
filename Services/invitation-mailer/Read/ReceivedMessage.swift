import Kafka
import Models

/// A change of the store, and the message that told of it.
struct ReceivedChange: Sendable {
  let event: IdentityEvent
  let traceparent: String?
  let message: Message
}

/// What the mail system reported, and the message that told of it.
struct ReceivedReport: Sendable {
  let report: MailEvent
  let message: Message
}

/// The messages of a batch by what they are, each kind in the order in which it came.
struct ReadBatch: Sendable {
  var changes: [ReceivedChange] = []
  var signIns: [ReceivedSignIn] = []
  var reports: [ReceivedReport] = []
  /// What could not be read, and why not.
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
