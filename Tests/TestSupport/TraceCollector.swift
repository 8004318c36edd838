import HTTPTypes
import Hummingbird
import Logging
import Models
import NIOCore
import ServiceLifecycle
import Synchronization

/// A collector of traces: an HTTP server that receives spans over OTLP in JSON.
public final class TraceCollector: Service {
  /// A span that was received.
  public struct Span: Sendable, Hashable {
    /// The resource's `service.name`.
    public var service: String
    /// 32 hexadecimal digits.
    public var traceID: String
    /// 16 hexadecimal digits.
    public var id: String
    /// The id of the parent; nil for the first span of a trace.
    public var parentID: String?
    /// The name.
    public var name: String
    /// The number of the kind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    public var kind: Int
    /// The ids of the spans to which it has links.
    public var links: [String]
    /// The attributes as text.
    public var attributes: [String: String]
    /// Whether its status is an error.
    public var isError: Bool
  }

  /// A request with spans.
  public struct Request: Sendable {
    /// The path of the URL.
    public var path: String
    /// The header `authorization`.
    public var authorization: String?
    /// The number of spans.
    public var spans: Int
  }

  /// The port on which it listens on 127.0.0.1.
  public let port: Int
  private let respond: @Sendable (Request) async throws -> Response
  private let isListening = Mutex(false)
  private let state = Mutex<(spans: [Span], requests: [Request])>(([], []))

  /// Creates a collector.
  ///
  /// - Parameters:
  ///   - port: The port; nil for a free one.
  ///   - respond: The response to a request. Spans are kept if its status is 200.
  /// - Throws: If there is no free port.
  public init(
    port: Int? = nil, respond: @escaping @Sendable (Request) async throws -> Response = { _ in Response(status: .ok) }
  ) throws {
    self.port = try port ?? FreePort.find()
    self.respond = respond
  }

  /// The base URL.
  public var url: String { "http://127.0.0.1:\(port)" }
  /// The spans that were received and accepted.
  public var spans: [Span] { state.withLock { $0.spans } }
  /// The requests that were received.
  public var requests: [Request] { state.withLock { $0.requests } }

  /// Receives spans until shutdown.
  public func run() async throws {
    let router = Router()
    router.post("**") { [self] request, _ -> Response in
      let buffer = try await request.body.collect(upTo: 16 << 20)
      let document: Document = try JSONData.decode(from: Array(buffer.readableBytesView), type: "traces")
      let spans = document.spans
      let received = Request(path: request.uri.path, authorization: request.headers[.authorization], spans: spans.count)
      state.withLock { $0.requests.append(received) }
      let response = try await respond(received)
      if response.status == .ok { state.withLock { $0.spans += spans } }
      return response
    }
    let server = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
      onServerRunning: { [self] _ in isListening.withLock { $0 = true } },
      logger: Logger(label: "trace collector") { _ in SwiftLogNoOpLogHandler() })
    try await server.run()
  }

  /// Waits until the server accepts connections.
  ///
  /// - Throws: ``TimeoutError``.
  public func ready() async throws {
    try await eventually("the trace collector to listen") { isListening.withLock { $0 } }
  }
}

/// The body of a request, as far as tests need it.
private struct Document: Decodable {
  struct ResourceSpans: Decodable {
    var resource: Resource
    var scopeSpans: [ScopeSpans]
  }

  struct Resource: Decodable { var attributes: [Attribute] }

  struct ScopeSpans: Decodable { var spans: [Span] }

  struct Attribute: Decodable {
    struct Value: Decodable {
      var stringValue: String?
      var intValue: String?
      var boolValue: Bool?
      var doubleValue: Double?

      var text: String { stringValue ?? intValue ?? boolValue.map { "\($0)" } ?? doubleValue.map { "\($0)" } ?? "" }
    }

    var key: String
    var value: Value
  }

  struct Link: Decodable { var spanId: String }

  struct Status: Decodable { var code: Int }

  struct Span: Decodable {
    var traceId: String
    var spanId: String
    var parentSpanId: String?
    var name: String
    var kind: Int
    var startTimeUnixNano: String
    var endTimeUnixNano: String
    var attributes: [Attribute]?
    var links: [Link]?
    var status: Status?
  }

  var resourceSpans: [ResourceSpans]

  var spans: [TraceCollector.Span] {
    resourceSpans.flatMap { group in
      let service = group.resource.attributes.first { $0.key == "service.name" }?.value.text ?? ""
      return group.scopeSpans.flatMap(\.spans).map { span in
        TraceCollector.Span(
          service: service, traceID: span.traceId, id: span.spanId, parentID: span.parentSpanId, name: span.name, kind: span.kind,
          links: (span.links ?? []).map(\.spanId),
          attributes: Dictionary((span.attributes ?? []).map { ($0.key, $0.value.text) }) { _, last in last },
          isError: span.status?.code == 2)
      }
    }
  }
}
