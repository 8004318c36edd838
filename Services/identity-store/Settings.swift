import ServiceKit

extension Setting {
  static let tombstoneKey = Setting(
    key: "tombstone.key",
    help: "Secret key of the hash under which deleted users' names are remembered; the same for all replicas and for ever.",
    isKey: true, required: true)
  static let maximumBatch = Setting(
    key: "store.batch", default: "512", help: "Most commands in one transaction.", kind: .integer(1...10_000))
  static let batchBound = Setting(
    key: "store.bound", default: "5s",
    help: "After how long a batch's transaction is rolled back; scim-api, which has the same setting, waits for as much longer.",
    kind: .duration)
  static let logRetention = Setting(
    key: "log.retention", default: "30d", help: "How long the provisioning log keeps a request, in whole days.", kind: .duration)
  static let maximumBulks = Setting(
    key: "store.bulks", default: "2",
    help: "How many operations of bulk requests are carried out at once, beside the batches; others wait.",
    kind: .integer(1...6))
  static let oauthKey = Setting(
    key: "oauth.key",
    help:
      "Secret that the keys of access tokens are sealed with, of at least 16 characters: the same here and for scim-api. Default: none, "
      + "and no OAuth.",
    isKey: true)
  static let keyLifetime = Setting(
    key: "oauth.key-lifetime", default: "30d", help: "How long a key signs access tokens until the next one does.", kind: .duration)
  static let replyRetention = Setting(
    key: "store.reply-retention", default: "1d", help: "How long replies are recorded; longer than the store may ever be behind.",
    kind: .duration)
}
