import Foundation
import Testing

@testable import ServiceKit

@Suite("Settings")
struct SettingsTests {
  private static let name = Setting(key: "name", default: "default", help: "A name.")
  private static let limit = Setting(key: "http.body-limit", default: "5", help: "A limit.", kind: .integer(1...10))
  private static let password = Setting(key: "password", help: "A secret.", isSecret: true)
  private static let secretPause = Setting(key: "pause", help: "A secret duration.", isSecret: true, kind: .duration)
  private static let needed = Setting(key: "needed", help: "A required setting.", required: true)

  private func read(
    _ settings: [Setting], environment: [String: String] = [:], file: String? = nil
  ) async throws -> ServiceSettings {
    var environment = environment
    if let file { environment["ROLLCALL_CONFIG_FILE"] = try Self.file(file) }
    defer { if let path = environment["ROLLCALL_CONFIG_FILE"] { try? FileManager.default.removeItem(atPath: path) } }
    return try await ServiceSettings.read(service: "test", settings: [.configurationFile] + settings, environment: environment)
  }

  private static func file(_ content: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-settings-\(UUID().uuidString)").path
    try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func problems(_ settings: [Setting], environment: [String: String]) async throws -> [String] {
    let error = await #expect(throws: SettingsError.self) { try await read(settings, environment: environment) }
    return error?.problems ?? []
  }

  @Test("Environment variables take precedence over the file, and the file over defaults")
  func precedence() async throws {
    #expect(try await read([Self.name]).string(Self.name) == "default")
    #expect(try await read([Self.name], file: #"{"name": "file"}"#).string(Self.name) == "file")
    let both = try await read([Self.name], environment: ["ROLLCALL_NAME": "environment"], file: #"{"name": "file"}"#)
    #expect(try both.string(Self.name) == "environment")
  }

  @Test("An empty variable counts as not set")
  func emptyVariable() async throws {
    #expect(try await read([Self.name], environment: ["ROLLCALL_NAME": ""]).string(Self.name) == "default")
  }

  @Test("The file may use JSON numbers and Booleans, and nested keys", arguments: [#"7"#, #""7""#])
  func fileTypes(limit: String) async throws {
    let flag = Setting(key: "http.tls", help: "A flag.", kind: .flag)
    let settings = try await read([Self.limit, flag], file: #"{"http": {"body-limit": \#(limit), "tls": true}}"#)
    #expect(try settings.integer(Self.limit) == 7)
    #expect(try settings.bool(flag))
  }

  @Test("The error for a missing or malformed file has its path")
  func brokenFile() async throws {
    let missing = try await problems([Self.name], environment: ["ROLLCALL_CONFIG_FILE": "/nowhere/rollcall.json"])
    #expect(missing.count == 1 && missing[0].contains("/nowhere/rollcall.json"))
    await #expect(throws: SettingsError.self) { try await read([Self.name], file: "{") }
  }

  @Test("All problems are reported at once, with the expected values")
  func allProblems() async throws {
    let found = try await problems([Self.needed, Self.limit], environment: ["ROLLCALL_HTTP_BODY_LIMIT": "eleven"])
    #expect(found.count == 2)
    #expect(found.contains { $0.contains("ROLLCALL_NEEDED") && $0.contains("A required setting.") })
    #expect(found.contains { $0.contains("ROLLCALL_HTTP_BODY_LIMIT") && $0.contains("from 1 to 10") && $0.contains("eleven") })
  }

  @Test("A secret can be read from a file that the environment or the configuration file names")
  func secretFile() async throws {
    let path = try Self.file("hunter2\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try await read([Self.password], environment: ["ROLLCALL_PASSWORD_FILE": path]).string(Self.password) == "hunter2")
    #expect(try await read([Self.password], file: #"{"password": {"file": "\#(path)"}}"#).string(Self.password) == "hunter2")
    let missing = try await problems([Self.password], environment: ["ROLLCALL_PASSWORD_FILE": "/nowhere/password"])
    #expect(missing.count == 1 && missing[0].contains("ROLLCALL_PASSWORD_FILE") && missing[0].contains("/nowhere/password"))
  }

  @Test("A secret is not part of errors, descriptions and dumps")
  func secrets() async throws {
    let found = try await problems([Self.secretPause], environment: ["ROLLCALL_PAUSE": "hunter2"])
    #expect(found.count == 1 && found[0].contains("ROLLCALL_PAUSE") && !found[0].contains("hunter2"))
    let settings = try await read([Self.password, Self.name], environment: ["ROLLCALL_PASSWORD": "hunter2"])
    var dumped = ""
    dump(settings, to: &dumped)
    for text in ["\(settings)", String(reflecting: settings), "\([settings])", dumped] { #expect(!text.contains("hunter2")) }
    #expect("\(settings)".contains("name=default"))
  }

  @Test("--help lists all settings with their defaults")
  func help() {
    let text = SettingsHelp.text(service: "test", settings: CommonSettings.all)
    for setting in CommonSettings.all {
      #expect(text.contains(setting.environmentName))
      #expect(text.contains("[\(setting.key)]"))
      if let value = setting.default { #expect(text.contains("default: \(value)")) }
    }
    #expect(text.contains("ROLLCALL_DATABASE_URL"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 140 })
  }

  @Test(
    "Durations are in seconds or have a unit",
    arguments: [
      ("250ms", Duration.milliseconds(250)), ("5", .seconds(5)), ("0.5 s", .milliseconds(500)), ("2m", .seconds(120)),
      ("1h", .seconds(3600)), ("30d", .seconds(2_592_000)), ("5 weeks", nil), ("-1", nil), ("", nil), ("s", nil), ("1e3", nil),
    ])
  func durations(text: String, expected: Duration?) {
    #expect(SettingParser.duration(text) == expected)
  }

  @Test("Pairs are separated by commas, or by line ends if there are any")
  func pairs() {
    #expect(SettingParser.pairs("a=1, b = 2,c=") == ["a": "1", "b": "2", "c": ""])
    #expect(SettingParser.pairs("# comment\na=1,2\nb=x=y\n") == ["a": "1,2", "b": "x=y"])
    #expect(SettingParser.pairs("a") == nil)
    #expect(SettingParser.pairs("=1") == nil)
    #expect(SettingParser.pairs("") == [:])
  }

  @Test(
    "The replica is the number after the last hyphen of the host name unless it is set",
    arguments: [
      (nil, "scim-api-3", 3), (nil, "a1b2c3d4e5f6", 0), (nil, nil, 0), (nil, "pod-x7", 0), ("5", "scim-api-3", 5), (nil, "node-123456", 0),
    ] as [(String?, String?, Int)])
  func replica(setting: String?, hostName: String?, expected: Int) async throws {
    let settings = try await read([.replica], environment: setting.map { ["ROLLCALL_REPLICA": $0] } ?? [:])
    #expect(ServiceRuntime.replica(settings, hostName: hostName) == expected)
  }

  @Test("Replicas without a number are distributed by their host name")
  func distribution() async throws {
    let settings = try await read([.replica], environment: [:])
    let pods = (0..<100).map { ServiceRuntime.distribution(settings, hostName: "rollcall-scim-api-7c9d8f6b5-\($0)x") }
    let outside = pods.filter { !(0..<10_000).contains($0) }
    #expect(outside.isEmpty)
    // On average, 12 partitions get 8 of 100 replicas each.
    let replicas = Dictionary(grouping: pods) { $0 % 12 }.mapValues(\.count)
    #expect(replicas.count == 12)
    let most = replicas.values.max() ?? 0
    #expect(most <= 20)
    #expect(ServiceRuntime.distribution(settings, hostName: "a") == ServiceRuntime.distribution(settings, hostName: "a"))
    #expect(ServiceRuntime.distribution(settings, hostName: nil) >= 0)
  }

  @Test("A replica with a number is distributed by it")
  func numberedDistribution() async throws {
    let numbered = try await read([.replica], environment: ["ROLLCALL_REPLICA": "5"])
    #expect(ServiceRuntime.distribution(numbered, hostName: "scim-api-x7") == 5)
    let unnumbered = try await read([.replica], environment: [:])
    #expect(ServiceRuntime.distribution(unnumbered, hostName: "scim-api-3") == 3)
  }
}
