import Kafka

extension Producer {
  /// Returns when Kafka has the message.
  ///
  /// - Parameters:
  ///   - patience: How long Kafka is waited for.
  ///   - refusal: Is thrown where it does not have the message in time; that may arrive all the same.
  func send(_ message: OutgoingMessage, within patience: Duration, else refusal: APIError) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await self.send(message)
        } catch let error as KafkaError
          where error.isRetriable || error.code == .closed || error.isNotPersisted && error.code != .messageTooLarge
        {
          throw refusal
        } catch let error as KafkaError where error.isAboutMessage {
          throw APIError(413, "The request is larger than can be passed on. Shorten its values.")
        }
      }
      group.addTask {
        try await Task.sleep(for: patience)
        throw refusal
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
