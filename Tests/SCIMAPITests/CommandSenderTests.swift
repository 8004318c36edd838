import Foundation
import Kafka
import Logging
import Models
import TestSupport
import Testing

@testable import ScimAPI

@Suite("Commands while a topic is missing", .timeLimit(.minutes(10)))
struct CommandSenderTests {
  private let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  @Test("are refused at once with 503 and Retry-After, and nothing is waited for", arguments: [Topic.identityCommands, .identityReplies])
  func missing(_ topic: Topic) async throws {
    let broker = try await KafkaBroker.start()
    let configuration = broker.configuration()
    try await TopicAdministration.ensure(
      [.identityCommands, .identityReplies], partitions: 1, replication: 1, configuration: configuration, logger: silent)
    let producer = try Producer(configuration, logger: silent)
    let requests = try RequestReply(configuration, producer: producer, replyTopic: .identityReplies, instance: 0, logger: silent)
    let sender = CommandSender(requests: requests, source: "scim-api/0", logger: silent)
    let reading = Task { try await requests.run() }
    try await requests.waitUntilReady()
    // Use the topic before it is deleted.
    #expect(try await sender.ask(command(for: 1), until: Date() + 1) == nil)
    try await broker.delete(topic)
    if topic == .identityReplies { try await eventually("the loss to be noticed") { requests.hasLostReplyTopic } }
    // Longer than the time limit of the test: only an immediate rejection passes.
    let refusal = await #expect(throws: APIError.self) { try await sender.ask(command(for: 3600), until: Date() + 3600) }
    #expect(refusal?.error.status == 503)
    #expect(refusal?.error.detail.contains("nothing was changed") == true)
    #expect(refusal?.headers[.retryAfter].flatMap { Int($0) } != nil)
    reading.cancel()
    await producer.close(timeout: .zero)
  }

  private func command(for seconds: TimeInterval) -> Command {
    let now = Date()
    return Command(
      id: .made(at: now), workspace: .made(at: now), resource: .made(at: now), actor: .service("test"), issuedAt: now,
      deadline: now + seconds, operation: .deleteUser)
  }
}
