import ServiceKit

extension Setting {
  static let tombstoneKey = Setting(
    key: "tombstone.key",
    help: "Secret key of the hash that identifies the names of deleted users. The same for all replicas. To change it, set "
      + "tombstone.former-key to the old one.",
    isKey: true, required: true)
  static let tombstoneFormerKey = Setting(
    key: "tombstone.former-key",
    help: "The former tombstone.key, while it is replaced. 'scimctl doctor' says when it is no longer needed. Default: none.",
    isSecret: true)
  static let maximumBatch = Setting(
    key: "store.batch", default: "512", help: "The maximum number of commands in one transaction.", kind: .integer(1...10_000))
  static let batchTimeLimit = Setting(
    key: "store.batch-time-limit", default: "5s",
    help: "How long a batch may take before its transaction is rolled back. Set scim-api to the same value: it waits this much "
      + "longer for replies.",
    kind: .duration)
  static let logRetention = Setting(
    key: "log.retention", default: "30d", help: "How long the provisioning log keeps a request, in whole days.", kind: .duration)
  static let maximumBulks = Setting(
    key: "store.bulks", default: "2",
    help: "The maximum number of transactions of bulk requests that run concurrently, in addition to the batches.",
    kind: .integer(1...6))
  static let oauthKey = Setting(
    key: "oauth.key",
    help: "Secret that encrypts the signing keys of access tokens, at least 16 characters. The same for scim-api. Default: none, "
      + "and OAuth is off.",
    isKey: true)
  static let keyLifetime = Setting(
    key: "oauth.key-lifetime", default: "30d", help: "How long a key signs access tokens before the next key replaces it.", kind: .duration)
  static let allowsInsecureWebhooks = Setting(
    key: "webhooks.allow-insecure", default: "false",
    help: "Whether webhook endpoints may have http:// URLs, for development. Events contain personal data and are not encrypted then.",
    kind: .flag)
  static let allowsPrivateWebhooks = Setting(
    key: "webhooks.allow-private-addresses", default: "false",
    help: "Whether webhook endpoints may be in private networks. Set group-sync to the same value: it checks the addresses to which it "
      + "connects.",
    kind: .flag)
  static let replyRetention = Setting(
    key: "store.reply-retention", default: "1d",
    help: "How long recorded replies are kept. Must exceed the longest time that identity-store may fall behind.",
    kind: .duration)
}
