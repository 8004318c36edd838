import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import NIOCore
import ServiceLifecycle
import Synchronization

/// The HTTP server of a product, which receives webhooks.
public final class WebhookReceiver: Service {
  /// A request that was received.
  public struct Request: Sendable {
    /// The path of the URL.
    public var path: String
    /// The header `host`.
    public var host: String
    /// The header `webhook-id`.
    public var id: String
    /// The header `webhook-timestamp`; 0 if it is missing or malformed.
    public var timestamp: Int64
    /// The header `webhook-signature`.
    public var signature: String
    /// The header `traceparent`; empty if it is missing.
    public var traceparent: String
    /// The JSON body.
    public var body: [UInt8]
    /// The type in the body; empty if the body is malformed.
    public var type: String
    /// The number of the event within its workspace; nil for a test.
    public var sequence: Int64?
  }

  private struct Envelope: Decodable {
    struct Event: Decodable { var sequence: Int64? }
    var type: String
    var data: Event
  }

  /// The port on which it listens on 127.0.0.1.
  public let port: Int
  private let isListening = Mutex(false)
  private let state = Mutex<[Request]>([])
  private let response: Mutex<@Sendable (Request) async throws -> Response>

  /// Creates a receiver. Each request is recorded before `respond` is called.
  ///
  /// - Throws: If there is no free port.
  public init(_ respond: @escaping @Sendable (Request) async throws -> Response = { _ in Response(status: .noContent) }) throws {
    port = try FreePort.find()
    response = Mutex(respond)
  }

  /// A response that does not come before the server shuts down.
  public static let hang: @Sendable (Request) async throws -> Response = { _ in
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(3600)) }
    return Response(status: .serviceUnavailable)
  }

  /// The requests that were received, in order.
  public var requests: [Request] { state.withLock { $0 } }

  /// The URL of a path on the server.
  public func url(_ path: String = "/hook") -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Receives requests until shutdown.
  public func run() async throws {
    let router = Router()
    router.post("**") { [self] request, _ -> Response in
      let received = try await Self.received(request)
      state.withLock { $0.append(received) }
      let respond = response.withLock { $0 }
      return try await respond(received)
    }
    let server = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
      onServerRunning: { [self] _ in isListening.withLock { $0 = true } },
      logger: Logger(label: "webhook receiver") { _ in SwiftLogNoOpLogHandler() })
    try await server.run()
  }

  private static func received(_ request: Hummingbird.Request) async throws -> Request {
    let buffer = try await request.body.collect(upTo: 4 << 20)
    let body = Array(buffer.readableBytesView)
    func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
    let envelope: Envelope = try JSONData.decode(from: body, type: "webhook")
    return Request(
      path: request.uri.path, host: request.head.authority ?? "", id: header("webhook-id"),
      timestamp: Int64(header("webhook-timestamp")) ?? 0,
      signature: header("webhook-signature"), traceparent: header("traceparent"), body: body, type: envelope.type,
      sequence: envelope.data.sequence)
  }

  /// Waits until the server accepts connections.
  ///
  /// - Throws: ``TimeoutError``.
  public func ready() async throws {
    try await eventually("the webhook receiver to listen") { isListening.withLock { $0 } }
  }
}
