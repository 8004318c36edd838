import Hummingbird
import ProvisioningLog
import ServiceKit
import Tracing

/// The span of a request, by OpenTelemetry's conventions for HTTP servers, if its trace is sampled.
///
/// It has no address of the client, no query and no body.
struct RequestSpan {
  private let span: (any Span)?
  /// The trace context of the request: of its span, or one that only connects log lines.
  let trace: TraceContext

  /// Starts the span of a request whose client sent `traceparent`.
  init(_ request: Request, traceparent: String?) {
    let parent = traceparent.flatMap { TraceContext(traceparent: $0) }
    span = TraceContext.startServerSpan(request.method.rawValue.atMost(Self.maximumMethod), parent: parent)
    trace = span?.trace ?? parent?.child() ?? .make()
  }

  /// Ends the span with the response.
  func end(_ request: Request, _ context: EdgeContext, status: Int) {
    guard let span else { return }
    let fields = context.info.fields
    let method = request.method.rawValue.atMost(Self.maximumMethod)
    if let route = context.endpointPath { span.operationName = "\(method) \(route)" }
    span.updateAttributes { attributes in
      attributes["http.request.method"] = method
      attributes["http.route"] = context.endpointPath
      attributes["http.response.status_code"] = status
      attributes["url.scheme"] = request.head.scheme ?? "http"
      attributes["url.path"] = Redaction.path(request.uri.path.atMost(2000)).atMost(200)
      attributes["rollcall.workspace"] = fields.workspace?.description
      attributes["rollcall.command"] = fields.command?.description
      if status >= 500 { attributes["error.type"] = String(status) }
    }
    if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
    span.end()
  }

  /// Ends the span of a request without a response.
  func end(with error: any Error) { span?.end(with: error) }

  private static let maximumMethod = 20
}
