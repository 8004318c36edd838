import Foundation
import Hummingbird
import Logging
import Models
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import GroupSync

/// The HTTP server of a product, which receives webhooks.
final class WebhookReceiver: Service {
  /// A request that was received.
  struct Request: Sendable {
    var path: String
    var id: String
    var timestamp: Int64
    var signature: String
    var host: String
    var body: [UInt8]

    /// The number of the event within its workspace; nil for a test.
    var sequence: Int64? { (try? JSONData.decode(Envelope.self, from: body, type: "webhook"))?.data.sequence }
    /// The type of the event.
    var type: String? { (try? JSONData.decode(Envelope.self, from: body, type: "webhook"))?.type }
  }

  private struct Envelope: Decodable {
    struct Event: Decodable { var sequence: Int64? }
    var type: String
    var data: Event
  }

  let port: Int
  private let isListening = Mutex(false)
  private let state = Mutex<[Request]>([])
  private let respond: Mutex<@Sendable (Request) async throws -> Response>

  /// - Parameter respond: The response to a request, which is recorded before.
  init(_ respond: @escaping @Sendable (Request) async throws -> Response = { _ in Response(status: .noContent) }) throws {
    port = try FreePort.find()
    self.respond = Mutex(respond)
  }

  /// A response that does not come before the server shuts down.
  static let hang: @Sendable (Request) async throws -> Response = { _ in
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(3600)) }
    return Response(status: .serviceUnavailable)
  }

  /// The requests that were received, in order.
  var requests: [Request] { state.withLock { $0 } }

  func url(_ path: String = "/hook") -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Changes the responses from now on.
  func respond(_ respond: @escaping @Sendable (Request) async throws -> Response) {
    self.respond.withLock { $0 = respond }
  }

  func run() async throws {
    let router = Router()
    router.post("**") { [self] request, _ -> Response in
      let body = try await request.body.collect(upTo: 4 << 20)
      func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
      let received = Request(
        path: request.uri.path, id: header("webhook-id"), timestamp: Int64(header("webhook-timestamp")) ?? 0,
        signature: header("webhook-signature"), host: request.head.authority ?? "", body: Array(body.readableBytesView))
      state.withLock { $0.append(received) }
      let respond = self.respond.withLock { $0 }
      return try await respond(received)
    }
    let server = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
      onServerRunning: { [self] _ in isListening.withLock { $0 = true } }, logger: quiet)
    try await server.run()
  }

  /// Waits until the server accepts connections.
  func ready() async throws {
    try await eventually("the receiver") { isListening.withLock { $0 } }
  }
}

/// Runs services for as long as `body` takes, then shuts them down gracefully.
func running<Value: Sendable>(_ services: [any Service], body: () async throws -> Value) async throws -> Value {
  let group = ServiceGroup(services: services, logger: quiet)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let value: Value
    do {
      value = try await body()
    } catch {
      tasks.cancelAll()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return value
  }
}
