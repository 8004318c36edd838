import Foundation
import Testing

@testable import ServiceKit

@Suite("Former settings")
struct FormerSettingTests {
  private static let renamed = Setting(key: "limit.unauthenticated-rate", default: "5", help: "A limit.", kind: .count)

  private func read(_ environment: [String: String]) async throws -> ServiceSettings {
    try await ServiceSettings.read(service: "test", settings: [.configurationFile, Self.renamed], environment: environment)
  }

  @Test("A former name stops the process, and the error names the replacement")
  func renamed() async throws {
    let error = await #expect(throws: SettingsError.self) { try await read(["ROLLCALL_LIMIT_STRANGER_RATE": "9"]) }
    let problem = try #require(error?.problems.first)
    #expect(error?.problems.count == 1)
    #expect(problem.contains("ROLLCALL_LIMIT_STRANGER_RATE (limit.stranger-rate)"))
    #expect(problem.contains("ROLLCALL_LIMIT_UNAUTHENTICATED_RATE (limit.unauthenticated-rate)"))
  }

  @Test("A former key in the configuration file stops the process, whatever its type", arguments: [#"9"#, #""9""#])
  func renamedInFile(value: String) async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-former-\(UUID().uuidString)").path
    try Data(#"{"limit": {"stranger-rate": \#(value)}}"#.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = await #expect(throws: SettingsError.self) { try await read(["ROLLCALL_CONFIG_FILE": path]) }
    #expect(error?.problems.first?.contains("limit.stranger-rate") == true)
  }

  @Test("A former name beside the present one is a warning, so that two releases can share an environment")
  func both() async throws {
    let settings = try await read(["ROLLCALL_LIMIT_STRANGER_RATE": "9", "ROLLCALL_LIMIT_UNAUTHENTICATED_RATE": "7"])
    #expect(try settings.integer(Self.renamed) == 7)
    #expect(settings.warnings.count == 1 && settings.warnings.first?.contains("ROLLCALL_LIMIT_STRANGER_RATE") == true)
  }

  @Test("A former name of another process's setting is ignored")
  func otherProcess() async throws {
    let settings = try await read(["ROLLCALL_STORE_BOUND": "9s"])
    #expect(settings.warnings.isEmpty)
  }

  @Test("A setting that was removed is a warning with advice")
  func removed() {
    let former = FormerSetting(key: "old.key", replacement: nil, release: "9.0.0", advice: "Use another.")
    #expect(
      former.finding(among: [], isSet: { $0 == "old.key" })
        == .warning("ROLLCALL_OLD_KEY (old.key) was removed in 9.0.0 and has no effect. Use another."))
    #expect(former.finding(among: [], isSet: { _ in false }) == nil)
  }
}
