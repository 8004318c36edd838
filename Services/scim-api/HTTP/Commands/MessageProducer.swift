import Kafka

/// Sends messages to Kafka. Tests record them instead.
package protocol MessageProducer: Sendable {
  /// Returns when Kafka has acknowledged all messages.
  ///
  /// - Throws: `KafkaError`; `CancellationError` if the task is cancelled. Messages may be delivered nevertheless.
  func send(contentsOf messages: [OutgoingMessage]) async throws
}

extension Producer: MessageProducer {}

extension MessageProducer {
  /// Returns when Kafka has acknowledged the messages.
  ///
  /// - Parameters:
  ///   - timeout: the maximum time until Kafka acknowledges the message.
  ///   - failure: the error if it does not. Messages may be delivered nevertheless.
  package func send(_ messages: [OutgoingMessage], within timeout: Duration, else failure: APIError) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await self.send(contentsOf: messages)
        } catch let error as KafkaError
          where error.isRetriable || error.code == .closed || error.isNotPersisted && error.code != .messageTooLarge
        {
          throw failure
        } catch let error as KafkaError where error.isAboutMessage {
          throw APIError(413, "The request is too large. Shorten its values.")
        }
      }
      group.addTask {
        try await Task.sleep(for: timeout)
        throw failure
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// As ``send(_:within:else:)``, for one message.
  package func send(_ message: OutgoingMessage, within timeout: Duration, else failure: APIError) async throws {
    try await send([message], within: timeout, else: failure)
  }
}
