import Credentials
import Foundation
import Logging
import Models
import ServiceKit

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
    await send(WebhookMessage(request.event, to: request.endpoint.id), of: request.endpoint)
  }

  /// Sends a test.
  func send(_ test: TestOrder) async -> DeliveryResult? {
    await send(WebhookMessage(test), of: test.endpoint)
  }

  private func send(_ message: WebhookMessage, of endpoint: WebhookEndpoint) async -> DeliveryResult? {
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
      let response = try await client.post(url, headers: message.headers(secrets: secrets, at: startedAt), body: message.body)
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
