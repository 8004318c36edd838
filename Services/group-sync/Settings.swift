import ServiceKit

extension Setting {
  static let maximumBatch = Setting(
    key: "sync.batch", default: "256", help: "Most events in one transaction.", kind: .integer(1...10_000))
  static let statementTimeout = Setting(
    key: "sync.statement-timeout", default: "60s",
    help: "How long one statement may take; a group of 100,000 members may be written by one.", kind: .duration)
}
