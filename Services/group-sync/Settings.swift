import ServiceKit

extension Setting {
  static let maximumBatch = Setting(
    key: "sync.batch", default: "256", help: "The maximum number of events in one transaction.", kind: .integer(1...10_000))
  static let statementTimeout = Setting(
    key: "sync.statement-timeout", default: "60s",
    help: "How long one statement may take. One statement may write a group of 100,000 members.", kind: .duration)
  static let eventRetention = Setting(
    key: "events.retention", default: "30d",
    help: "How long the event log keeps events for the events API and for webhooks; at least 1d. Whole days (UTC) are deleted.",
    kind: .duration)
  static let webhookKey = Setting(
    key: "webhook.key",
    help: "Secret that decrypts the secrets of webhook endpoints, at least 16 characters. The same for scim-api. Default: none, and no "
      + "webhooks are delivered.",
    isKey: true)
  static let allowsPrivateWebhooks = Setting(
    key: "webhooks.allow-private-addresses", default: "false",
    help: "Whether webhooks may be delivered to addresses of private networks. Set identity-store to the same value: it checks the URLs.",
    kind: .flag)
  static let webhookRequests = Setting(
    key: "webhooks.requests", default: "256", help: "The maximum number of concurrent webhook requests of this process.",
    kind: .integer(1...10_000))
  static let webhookRequestsPerEndpoint = Setting(
    key: "webhooks.requests-per-endpoint", default: "64",
    help: "The maximum number of concurrent requests to one webhook endpoint: one for each workspace whose events it receives.",
    kind: .integer(1...10_000))
  static let webhookLogRetention = Setting(
    key: "webhooks.log-retention", default: "7d", help: "How long the delivery log keeps a webhook request, in whole days.", kind: .duration
  )
  static let signingKey = Setting(
    key: "security.signing-key",
    help: "The private key (EC P-256, PEM) that signs security event tokens. Default: none, and no tokens are published.", isSecret: true)
  static let issuer = Setting(
    key: "security.issuer", default: "rollcall", help: "The issuer of security event tokens (claim iss): a string or a URI.")
  static let audience = Setting(
    key: "security.audience", help: "The audience of security event tokens (claim aud). Default: none.")
}

extension [Setting] {
  /// The settings of webhook deliveries.
  static let webhooks: [Setting] = [
    .webhookKey, .allowsPrivateWebhooks, .webhookRequests, .webhookRequestsPerEndpoint, .webhookLogRetention,
  ]
}

extension ServiceSettings {
  /// How long the event log keeps events.
  func eventRetention() throws(SettingsError) -> Duration {
    let retention = try duration(.eventRetention)
    guard retention >= .seconds(86_400) else {
      throw SettingsError(["\(Setting.eventRetention.environmentName) must be at least 1d, but is \(retention)"])
    }
    return retention
  }
}
