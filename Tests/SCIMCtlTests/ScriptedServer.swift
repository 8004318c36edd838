import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import ScimctlCommands

/// An HTTP server that records requests, and answers them with prepared responses in order.
final class ScriptedServer: Service {
  /// A request that was received.
  struct Received: Sendable, Equatable {
    var method: String
    /// The path and the query.
    var target: String
    /// With names in lower case.
    var headers: [String: String]
    var body: String
  }

  /// A prepared response.
  struct Answer: Sendable {
    var status = 200
    var headers: [String: String] = ["content-type": "application/json"]
    var body = "{}"
  }

  private let answers: Mutex<[Answer]>
  private let received = Mutex<[Received]>([])
  private let port = Mutex<Int?>(nil)

  private init(_ answers: [Answer]) {
    self.answers = Mutex(answers)
  }

  /// The requests that were received, in order.
  var requests: [Received] { received.withLock { $0 } }

  /// Runs `body` with a server that has these answers.
  static func with(_ answers: [Answer], _ body: (ScriptedServer, ManagementClient) async throws -> Void) async throws {
    let server = ScriptedServer(answers)
    let group = ServiceGroup(services: [server], logger: Logger(label: "scripted") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the server to listen") { server.port.withLock { $0 != nil } }
      let port = server.port.withLock { $0 ?? 0 }
      let target = try ManagementServer(url: "http://127.0.0.1:\(port)/ignored", token: "rollcall_test")
      try await ManagementClient.with(target) { try await body(server, $0) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  func run() async throws {
    let router = Router()
    for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete] {
      router.on("**", method: method) { [self] request, _ -> Response in try await respond(to: request) }
    }
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { [self] channel in port.withLock { $0 = channel.localAddress?.port } },
      logger: Logger(label: "scripted") { _ in SwiftLogNoOpLogHandler() })
    try await application.run()
  }

  private func respond(to request: Request) async throws -> Response {
    let body = try await request.body.collect(upTo: 1 << 20)
    var headers: [String: String] = [:]
    for field in request.headers { headers[field.name.canonicalName] = field.value }
    let recorded = Received(
      method: request.method.rawValue, target: request.head.path ?? "", headers: headers, body: String(buffer: body))
    received.withLock { $0.append(recorded) }
    let answer = answers.withLock { $0.isEmpty ? Answer(status: 500, body: "no answer is left") : $0.removeFirst() }
    var fields = HTTPFields()
    for (name, value) in answer.headers {
      if let name = HTTPField.Name(name) { fields[name] = value }
    }
    return Response(
      status: HTTPResponse.Status(code: answer.status), headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
  }
}
