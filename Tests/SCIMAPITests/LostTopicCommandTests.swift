import Foundation
import Kafka
import Logging
import Models
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Commands while a topic is missing", .timeLimit(.minutes(10)))
struct LostTopicCommandTests {
  private let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  @Test("are rejected immediately with 503 and Retry-After", arguments: [Topic.identityCommands, .identityReplies])
  func missing(_ topic: Topic) async throws {
    let broker = try await KafkaBroker.start()
    let configuration = broker.configuration()
    try await TopicAdministration.ensure(
      [.identityCommands, .identityReplies], partitions: 1, replication: 1, configuration: configuration, logger: silent)
    let producer = try Producer(configuration, logger: silent)
    let requests = try RequestReply(configuration, producer: producer, replyTopic: .identityReplies, instance: 0, logger: silent)
    let reading = Task { try await requests.run() }
    try await requests.waitUntilReady()
    // The topic is in use when it is deleted.
    #expect(try await requests.exchange(command(for: 1), until: Date() + 1, source: "scim-api/0", logger: silent) == nil)
    try await broker.delete(topic)
    if topic == .identityReplies { try await eventually("the missing topic to be detected") { requests.hasLostReplyTopic } }
    // Longer than the time limit of the test, so that waiting for the timeout fails the test.
    let refusal = await #expect(throws: APIError.self) {
      try await requests.exchange(command(for: 3600), until: Date() + 3600, source: "scim-api/0", logger: silent)
    }
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
