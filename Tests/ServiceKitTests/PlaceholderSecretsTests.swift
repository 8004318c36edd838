import Foundation
import Testing

@testable import ServiceKit

@Suite("Placeholder secrets")
struct PlaceholderSecretsTests {
  private static let key = Setting(key: "tombstone.key", help: "A key.", isKey: true)
  private static let otherDatabase = Setting(key: "database.feed-url", help: "Another database.", isSecret: true)
  private static let password = Setting(key: "smtp.password", help: "A password.", isSecret: true)

  private func problems(_ environment: [String: String]) async throws -> [String] {
    let settings = try await ServiceSettings.read(
      service: "test", settings: [Self.key, Self.password, Self.otherDatabase, .databaseURL, .insecureDefaults],
      environment: ["ROLLCALL_DATABASE_URL": "postgres://identity_store@127.0.0.1/rollcall"].merging(environment) { $1 })
    return PlaceholderSecrets.problems(in: settings)
  }

  @Test(
    "Example secrets and short keys are rejected; the error does not contain the value",
    arguments: [
      ("ROLLCALL_TOMBSTONE_KEY", "only-for-trying-out-0123456789abcdef"), ("ROLLCALL_TOMBSTONE_KEY", "fifteen bytes ."),
      ("ROLLCALL_TOMBSTONE_KEY", "change-me"), ("ROLLCALL_SMTP_PASSWORD", "changeme"),
      ("ROLLCALL_DATABASE_URL", "postgres://identity_store:rollcall@127.0.0.1/rollcall"),
      ("ROLLCALL_DATABASE_URL", "postgres://127.0.0.1/rollcall?user=identity_store&password=Rollcall"),
      ("ROLLCALL_DATABASE_URL", "host=127.0.0.1 user=identity_store password='rollcall' dbname=rollcall"),
      ("ROLLCALL_DATABASE_URL", "postgres://identity_store:only-for-trying-out@127.0.0.1/rollcall"),
      ("ROLLCALL_DATABASE_FEED_URL", "postgres://scim_api_feed:rollcall@127.0.0.1/rollcall"),
    ])
  func refused(_ name: String, _ value: String) async throws {
    let found = try await problems([name: value])
    #expect(found.count == 2 && found[0].hasPrefix(name) && found[1].contains("ROLLCALL_INSECURE_DEFAULTS=1"), "\(found)")
    #expect(!found.joined().contains(value))
    #expect(try await problems([name: value, "ROLLCALL_INSECURE_DEFAULTS": "1"]).isEmpty)
  }

  @Test(
    "Random keys and values that are not secrets are accepted",
    arguments: [
      ("ROLLCALL_TOMBSTONE_KEY", "sixteen bytes ok"), ("ROLLCALL_SMTP_PASSWORD", "kZ3"),
      ("ROLLCALL_DATABASE_URL", "postgres://rollcall@127.0.0.1/rollcall"),
      ("ROLLCALL_DATABASE_URL", "postgres://rollcall:9f2b44c1@127.0.0.1/rollcall"),
      ("ROLLCALL_DATABASE_URL", "host=127.0.0.1 dbname=rollcall"),
    ])
  func accepted(_ name: String, _ value: String) async throws {
    #expect(try await problems([name: value]).isEmpty)
  }
}
