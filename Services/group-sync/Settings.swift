import ServiceKit

extension Setting {
  static let maximumBatch = Setting(
    key: "sync.batch", default: "256", help: "Most events in one transaction.", kind: .integer(1...10_000))
  static let statementTimeout = Setting(
    key: "sync.statement-timeout", default: "60s",
    help: "How long one statement may take; a group of 100,000 members may be written by one.", kind: .duration)
  static let signingKey = Setting(
    key: "security.signing-key",
    help: "The private key (EC P-256, PEM) that security event tokens are signed with. Without one none are published.", isSecret: true)
  static let issuer = Setting(
    key: "security.issuer", default: "rollcall", help: "What security event tokens name as their issuer: a string or a URI.")
  static let audience = Setting(
    key: "security.audience", help: "Whom security event tokens are for. Default: they name nobody.")
}
