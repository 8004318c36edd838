import Credentials
import Foundation
import Logging
import Models
import ServiceKit
import Tracing

/// Makes requests of events, and sends them.
struct WebhookSender: Sendable {
  let client: WebhookClient
  /// Opens the secrets of endpoints; nil if no key is set.
  let seal: WebhookSeal?
  let logger: Logger

  /// Sends an event.
  ///
  /// - Returns: nil if the task was cancelled: the outcome is unknown.
  func send(_ request: DeliveryRequest) async -> DeliveryResult? {
    let message = WebhookMessage(request.event, to: request.endpoint.id)
    guard let span = TraceContext.sampled(request.event.traceparent)?.startSpan("POST", ofKind: .client) else {
      return await send(message, of: request.endpoint, traceparent: request.event.traceparent)
    }
    let result = await ServiceContext.withValue(span.context) {
      await send(message, of: request.endpoint, traceparent: span.trace?.traceparent)
    }
    span.end(request, result)
    return result
  }

  /// Sends a test.
  func send(_ test: TestOrder) async -> DeliveryResult? {
    await send(WebhookMessage(test), of: test.endpoint, traceparent: nil)
  }

  private func send(_ message: WebhookMessage, of endpoint: WebhookEndpoint, traceparent: String?) async -> DeliveryResult? {
    let (startedAt, start) = (Date.now, ContinuousClock.now)
    func result(_ outcome: DeliveryOutcome, _ response: WebhookClient.Response? = nil) -> DeliveryResult {
      DeliveryResult(
        outcome: outcome, startedAt: startedAt, duration: ContinuousClock.now - start, status: response?.status, head: response?.head,
        body: response?.body)
    }
    let url: WebhookURL
    let secrets: [WebhookSecret]
    do {
      url = try WebhookURL(endpoint.url)
      guard let seal else {
        return result(.unsendable("group-sync has no key for webhook secrets (\(Setting.webhookKey.environmentName))"))
      }
      secrets = try seal.secrets(of: endpoint, at: startedAt)
    } catch let error as WebhookURLError {
      return result(.unreachable(error.reason))
    } catch {
      logger.error(
        "the secret of a webhook endpoint cannot be decrypted; its events wait",
        metadata: ["webhook": "\(endpoint.id)", "workspace": "\(endpoint.workspace)", "error": "\(error)"])
      return result(
        .unsendable("the secret cannot be decrypted: \(Setting.webhookKey.environmentName) differs between scim-api and group-sync"))
    }
    do {
      var headers = message.headers(secrets: secrets, at: startedAt)
      if let traceparent { headers.append(("traceparent", traceparent)) }
      let response = try await client.post(url, headers: headers, body: message.body)
      guard (200..<300).contains(response.status) else {
        return result(.rejected("the response had the status \(response.status)"), response)
      }
      return result(.delivered, response)
    } catch is CancellationError {
      return nil
    } catch {
      return result(.unreachable("\(error)"))
    }
  }
}

extension Span {
  /// Ends the span of a request, by OpenTelemetry's conventions for HTTP clients, but without the path, which may be a secret of the endpoint.
  ///
  /// - Parameter result: nil if the request was cancelled.
  fileprivate func end(_ request: DeliveryRequest, _ result: DeliveryResult?) {
    updateAttributes { attributes in
      attributes["http.request.method"] = "POST"
      attributes["server.address"] = URL(string: request.endpoint.url)?.host()
      attributes["server.port"] = URL(string: request.endpoint.url)?.port
      attributes["http.response.status_code"] = result?.status
      if request.attempt > 1 { attributes["http.request.resend_count"] = request.attempt - 1 }
      attributes["rollcall.webhook"] = request.endpoint.id.description
      attributes["rollcall.workspace"] = request.event.workspace.description
      attributes["rollcall.event.type"] = request.event.type
    }
    if result?.outcome.isDelivered == false { setStatus(SpanStatus(code: .error)) }
    end()
  }
}
