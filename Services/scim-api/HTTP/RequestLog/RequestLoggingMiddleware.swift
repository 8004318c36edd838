import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ProvisioningLog
import ServiceKit

/// Logs each request, records its metrics and its span, and adds it to the provisioning log's buffer.
///
/// Successful reads are logged at debug level because they are frequent, server errors at warning, and everything else at info.
package struct RequestLoggingMiddleware: RouterMiddleware {
  /// The buffer of the provisioning log.
  package let log: LogBuffer
  private let metrics = RequestMetrics()

  /// A middleware that fills `log`.
  package init(log: LogBuffer) {
    self.log = log
  }

  /// Passes the request on, and logs it.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let at = Date()
    let span = RequestSpan(request, traceparent: Self.traceparent.flatMap { request.headers[$0] })
    context.info.record(trace: span.trace)
    metrics.begin()
    return try await span.trace.run {
      let response: Response
      do {
        response = try await next(request, context)
      } catch {
        metrics.cancel()
        span.end(with: error)
        throw error
      }
      let duration = ContinuousClock.now - start
      metrics.end(request.method, route: context.endpointPath, status: response.status.code, duration)
      span.end(request, context, status: response.status.code)
      log(request, context, response.status.code, duration)
      if let logged = LoggedRequest(request, context, status: response.status.code, at: at, duration, reads: log.reads) {
        log.append(logged)
      }
      return response
    }
  }

  private func log(_ request: Request, _ context: EdgeContext, _ status: Int, _ duration: Duration) {
    let isRead = request.method == .get || request.method == .head
    let level: Logger.Level = status >= 500 ? .warning : isRead && status < 300 ? .debug : .info
    guard context.logger.logLevel <= level else { return }
    let fields = context.info.fields
    var metadata: Logger.Metadata = [
      "method": .string(request.method.rawValue.atMost(20)),
      // Without the query: filters contain names and addresses.
      "path": .string(Redaction.path(request.uri.path.atMost(2000)).atMost(200)),
      "status": .stringConvertible(status),
      "milliseconds": .stringConvertible(Int((duration / .milliseconds(1)).rounded())),
    ]
    metadata["peer"] = context.info.peer.text.map { .string($0) }
    metadata["workspace"] = fields.workspace.map { .stringConvertible($0) }
    metadata["token"] = fields.token.map { .stringConvertible($0) }
    metadata["command"] = fields.command.map { .stringConvertible($0) }
    metadata["resource"] = fields.resource.map { .stringConvertible($0) }
    if !fields.normalisations.isEmpty { metadata["normalisations"] = .array(fields.normalisations.map { .string($0) }) }
    context.logger.log(level: level, "request", metadata: metadata)
  }

  private static let traceparent = HTTPField.Name("traceparent")
}
