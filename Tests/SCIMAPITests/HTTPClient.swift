import Foundation
import FoundationNetworking
import Logging
import NIOCore
import NIOPosix
import SCIM
import ServiceLifecycle

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// An HTTP response.
struct Answer: Sendable {
  var status: Int
  var headers: [String: String]
  var body: [UInt8]

  /// The body as a JSON object; empty if it is not an object.
  var json: JSONObject {
    (try? JSON(parsing: body))?.object ?? JSONObject()
  }

  var text: String { String(decoding: body, as: UTF8.self) }

  var detail: String { json["detail"]?.string ?? "" }
}

/// An HTTP client for the server, with its token.
struct HTTPClient: Sendable {
  let port: Int
  let token: String

  func send(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:], base: String = ResourcePath.base
  ) async throws -> Answer {
    guard let url = URL(string: "http://127.0.0.1:\(port)\(base)\(path)") else { throw URLError(.badURL) }
    var request = URLRequest(url: url)
    request.httpMethod = method
    request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
    if let body {
      request.httpBody = Data(body.utf8)
      request.setValue("application/scim+json", forHTTPHeaderField: "Content-Type")
    }
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let (data, response) = try await URLSession.shared.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    var received: [String: String] = [:]
    for case (let name as String, let value as String) in response.allHeaderFields { received[name.lowercased()] = value }
    return Answer(status: response.statusCode, headers: received, body: [UInt8](data))
  }
}

extension HTTPClient {
  /// Sends `text` unchanged, and returns everything until the server closes the connection. For requests that `URLSession` cannot send.
  func exchange(_ text: String) async throws -> String { try await exchange(bytes: Array(text.utf8)) }

  /// The same for bytes that are not text.
  func exchange(bytes: [UInt8]) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      // The event loop is shared with the server and with concurrent tests.
      .connectTimeout(.seconds(300))
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(bytes: bytes))
      var received = ByteBuffer()
      for try await part in inbound { received.writeImmutableBuffer(part) }
      return String(buffer: received)
    }
  }
}

extension HTTPClient {
  /// Sends a request with these headers alone, on a connection of its own. `URLSession` answers Basic challenges itself.
  func sendRaw(_ method: String, _ path: String, _ body: String, headers: [String: String]) async throws -> Answer {
    let all = ["Host": "127.0.0.1", "Connection": "close", "Content-Length": "\(body.utf8.count)"].merging(headers) { _, new in new }
    let head = all.map { "\($0): \($1)\r\n" }.joined()
    let text = try await exchange("\(method) \(path) HTTP/1.1\r\n\(head)\r\n\(body)")
    guard let end = text.range(of: "\r\n\r\n") else { throw URLError(.badServerResponse) }
    let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw URLError(.badServerResponse) }
    var received: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let (name, value) = (line[..<colon].lowercased(), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
      // One cookie per line.
      received[name] = name == "set-cookie" ? [received[name], value].compactMap { $0 }.joined(separator: "\n") : value
    }
    return Answer(status: status, headers: received, body: Array(text[end.upperBound...].utf8))
  }
}

/// Serves the edge on a free port while `body` runs; `shutDown` asks it to end gracefully before that.
func serving(
  _ builder: EdgeBuilder, token: String? = nil,
  _ body: @Sendable (_ client: HTTPClient, _ shutDown: @Sendable () async -> Void) async throws -> Void
) async throws {
  try await serveEdge(builder.edge, certificate: builder.certificate, token: token ?? builder.token.text, body)
}

/// The same as ``serving(_:token:_:)``, for an existing server.
func serveEdge(
  _ edge: Edge, certificate: Certificate? = nil,
  timeouts: SlowClientHandler.Timeouts = .init(read: .seconds(300), write: .seconds(300)), token: String,
  _ body: @Sendable (_ client: HTTPClient, _ shutDown: @Sendable () async -> Void) async throws -> Void
) async throws {
  let (ports, listening) = AsyncStream<Int>.makeStream()
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  let server = EdgeServer(
    responder: edge.responder(),
    configuration: ListenerConfiguration(
      host: "127.0.0.1", port: 0, certificate: certificate, isSecure: certificate != nil, sharesPort: false,
      maximumConnections: 100, idleTimeout: .seconds(300), timeouts: timeouts, drain: .milliseconds(50)),
    logger: logger, countMalformed: edge.countMalformed, onListening: { listening.yield($0) })
  let group = ServiceGroup(services: [server], logger: logger)
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    for await port in ports.prefix(1) {
      try await body(HTTPClient(port: port, token: token)) { await group.triggerGracefulShutdown() }
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

/// Runs the server while `body` runs.
func serving(_ builder: EdgeBuilder, token: String? = nil, _ body: @Sendable (_ client: HTTPClient) async throws -> Void) async throws {
  try await serving(builder, token: token) { client, _ in try await body(client) }
}
