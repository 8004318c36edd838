import Foundation
import Kafka
import Logging
import Models
import ServiceLifecycle
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Messages that Kafka rejects", .timeLimit(.minutes(3)))
struct RejectedMessageTests {
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  /// Longer than the time limit of the tests, so that waiting for it fails the test.
  private static let end = Date.now + 3600

  private func command() -> Command {
    Command(
      id: .made(at: .now), workspace: .made(at: .now), resource: .made(at: .now), actor: .service("test"), issuedAt: .now,
      operation: .deleteUser)
  }

  private func sending(
    _ body: @Sendable (MockCluster, Producer, RequestReply) async throws -> Void
  ) async throws {
    let cluster = try MockCluster()
    for topic in [Topic.identityCommands, .identityReplies, .signInEvents] { cluster.create(topic: topic.name, partitions: 1) }
    let producer = try Producer(cluster.configuration(), logger: quiet)
    let requests = try RequestReply(
      cluster.configuration(), producer: producer, replyTopic: .identityReplies, instance: 0, logger: quiet)
    let services = ServiceGroup(services: [producer, requests], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await services.run() }
      try await requests.waitUntilReady()
      do {
        try await body(cluster, producer, requests)
      } catch {
        tasks.cancelAll()
        throw error
      }
      await services.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("A command that the broker rejects for its size gets 413 immediately")
  func rejected() async throws {
    try await sending { cluster, _, requests in
      cluster.rejectNextMessages()
      let refusal = await #expect(throws: APIError.self) {
        try await requests.exchange(command(), until: Self.end, source: "scim-api/0", logger: quiet)
      }
      #expect(refusal?.error.status == 413)
    }
  }

  @Test("A sign-in that the broker rejects for its size gets 413")
  func rejectedSignIn() async throws {
    try await sending { cluster, producer, _ in
      cluster.rejectNextMessages()
      let controller = SignInController(
        bodies: BodyReader(maximum: 1024, budget: BodyBudget()), producer: producer, commands: EdgeBuilder().commands,
        inFlight: ConcurrencyLimit(ConcurrencyLimit.Limits(all: 1, perWorkspace: 1, perToken: 1)),
        workspaces: EdgeBuilder().workspaces, user: { _, _ in nil }, source: "scim-api/0", timeout: .seconds(600))
      let signIn = SignIn(workspace: .made(at: .now), email: "ana@example.com", user: nil, signedInAt: .now, method: nil)
      let refusal = await #expect(throws: APIError.self) { try await controller.send([signIn], traceparent: nil) }
      #expect(refusal?.error.status == 413)
    }
  }

  @Test("A reply that is too large for its topic is read from the record immediately")
  func recorded() async throws {
    try await sending { cluster, producer, requests in
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        let command = command()
        tasks.addTask {
          let event = try await requests.exchange(command, until: Self.end, source: "scim-api/0", logger: quiet)
          #expect(event == nil)
        }
        let reader = TopicReader(cluster.configuration(), logger: quiet)
        try await eventually("the command") {
          let sent = try await reader.messages(on: Topic.identityCommands.name) { $0 }
          guard let address = try sent.first.flatMap({ try Command($0.cloudEvent()).replyTo }) else { return false }
          let event = Reply(command: command.id, outcome: .done).recordedEvent(
            source: "identity-store/0", correlationID: address.correlationID, time: .now, traceparent: nil)
          try await producer.send(OutgoingMessage(event, topic: .identityReplies, key: "scim-api/0", partition: address.partition))
          return true
        }
        try await tasks.waitForAll()
      }
    }
  }
}
