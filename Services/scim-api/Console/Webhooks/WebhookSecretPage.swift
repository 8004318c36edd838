import Credentials
import EdgeHTTP
import Models

/// The page that shows a new secret of a webhook endpoint once.
struct WebhookSecretPage: Sendable {
  private let template: ConsoleTemplate

  /// - Throws: an error if the embedded template cannot be parsed.
  init() throws {
    template = try ConsoleTemplate(PackageResources.webhook_secret_mustache)
  }

  /// - Parameter isRotation: whether the secret replaces another.
  func page(_ secret: WebhookSecret, of webhook: WebhookID, isRotation: Bool) -> ConsolePage {
    ConsolePage(
      title: "Signing secret", section: .webhooks, template: template,
      values: Values(secret: secret.text, isRotation: isRotation, webhookPath: WebhooksController.path(of: webhook)))
  }

  private struct Values: Sendable {
    var secret: String
    var isRotation: Bool
    var webhookPath: String
  }

  /// The error for a form that is submitted again, for example because the browser reloads the page.
  static let alreadySubmitted = APIError(
    409, "The form was already submitted. The secret was shown then and will not be shown again. If nobody copied it, replace it.")

  /// The error for a rotation of an endpoint that has another version by now.
  static let changedMeanwhile = APIError(
    409,
    "The endpoint was changed since its page was opened, or the form was submitted twice. Nothing was changed now. If nobody copied the secret "
      + "that was shown, replace it on the page of the endpoint.")
}
