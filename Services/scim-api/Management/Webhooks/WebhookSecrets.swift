import Credentials
import EdgeHTTP
import Foundation
import Models
import SCIM

/// The secrets of webhook endpoints in requests: given by the caller, or generated.
struct WebhookSecrets: Sendable {
  /// Encrypts secrets for storage; nil if the deployment has no key for it.
  let seal: WebhookSeal?

  /// The default time for which the former secret also signs, in seconds.
  private static let defaultOverlap: Int64 = 86_400
  /// The longest such time, in seconds.
  private static let maximumOverlap: Int64 = 30 * 86_400

  /// The secret in the body, or a new one: the same for every repetition with the same idempotency key.
  ///
  /// - Throws: 400 if the given secret has another form; 501 if the deployment has no key for webhooks.
  func secret(in action: ManagementAction, of webhook: WebhookID) throws -> WebhookSecret {
    guard let text = try action.body.string("secret") else {
      guard let seed = action.seed(for: "secret of \(webhook)") else { return .made() }
      return try configuredSeal().secret(derivedFrom: seed)
    }
    guard let secret = WebhookSecret(text) else {
      throw ProblemDetails.invalidMember(
        "secret",
        """
        secret must be '\(WebhookSecret.prefix)' and \(WebhookSecret.sizes.lowerBound) to \(WebhookSecret.sizes.upperBound) random bytes in \
        base64. Leave it out to have one generated.
        """)
    }
    return secret
  }

  /// The encrypted secret.
  ///
  /// - Throws: 501 if the deployment has no key for webhooks.
  func sealed(_ secret: WebhookSecret, of webhook: WebhookID) throws -> [UInt8] { try configuredSeal().seal(secret, for: webhook) }

  /// Until when the former secret also signs; nil if it stops at once.
  ///
  /// - Throws: 400 if the time is longer than 30 days.
  func formerUntil(in body: JSONBody, at now: Date) throws -> Date? {
    let seconds: Int64
    switch body.object["overlapSeconds"] {
    case nil, .null?: seconds = Self.defaultOverlap
    case .integer(let number)? where (0...Self.maximumOverlap).contains(number): seconds = number
    case let other?:
      throw ProblemDetails.invalidMember(
        "overlapSeconds",
        """
        overlapSeconds, how long the former secret also signs, must be a whole number from 0 to \(Self.maximumOverlap), found \
        \(other.summary).
        """)
    }
    return seconds == 0 ? nil : now + Double(seconds)
  }

  private func configuredSeal() throws -> WebhookSeal {
    guard let seal else {
      throw ProblemDetails(
        501, nil, "Webhooks are not set up on this deployment: its operator sets ROLLCALL_WEBHOOK_KEY for scim-api and group-sync.")
    }
    return seal
  }
}
