import Testing

@testable import Kafka
@testable import ServiceKit

@Suite("Session timeout")
struct SessionTimeoutTests {
  private static let deadline = Setting(key: "request.deadline", default: "20s", help: "", kind: .duration)

  private func settings(_ environment: [String: String]) async throws(SettingsError) -> ServiceSettings {
    try await ServiceSettings.read(
      service: "trial", settings: CommonSettings.all + [Self.deadline],
      environment: ["ROLLCALL_KAFKA": "k:1", "ROLLCALL_DATABASE_URL": "d"].merging(environment) { _, new in new })
  }

  @Test("The default fits the deadline of writes")
  func defaults() async throws {
    let settings = try await settings([:])
    #expect(try settings.sessionTimeout == ConsumerConfiguration.defaultSessionTimeout)
    try settings.checkSessionTimeout(against: Self.deadline)
  }

  @Test(
    "A timeout that is too long for the deadline is rejected; the error names both settings",
    arguments: [
      ["ROLLCALL_KAFKA_SESSION_TIMEOUT": "16s"], ["ROLLCALL_REQUEST_DEADLINE": "10s"],
      ["ROLLCALL_KAFKA_PROPERTIES": "session.timeout.ms=30000"],
    ])
  func contradiction(_ environment: [String: String]) async throws {
    let settings = try await settings(environment)
    let error = #expect(throws: SettingsError.self) { try settings.checkSessionTimeout(against: Self.deadline) }
    #expect(error?.description.contains("ROLLCALL_REQUEST_DEADLINE") == true)
    #expect(error?.description.contains("ROLLCALL_KAFKA_SESSION_TIMEOUT") == true)
  }

  @Test(
    "A timeout that brokers reject, or that is too short for the heartbeats, is rejected",
    arguments: [
      (["ROLLCALL_KAFKA_SESSION_TIMEOUT": "2s"], "ROLLCALL_KAFKA_SESSION_TIMEOUT"),
      (["ROLLCALL_KAFKA_PROPERTIES": "session.timeout.ms=soon"], "session.timeout.ms"),
      (["ROLLCALL_KAFKA_PROPERTIES": "heartbeat.interval.ms=9000"], "heartbeat.interval.ms"),
    ])
  func impossible(_ environment: [String: String], _ name: String) async throws {
    let settings = try await settings(environment)
    let error = #expect(throws: SettingsError.self) { try settings.sessionTimeout }
    #expect(error?.description.contains(name) == true)
  }

  @Test("The log of a process that was fenced names the setting to change")
  func fenced() {
    let error = KafkaError(
      action: "read", code: .fencedInstanceID, reason: "", brokers: "", topic: nil, partition: nil, isRetriable: false, isFatal: true)
    let advice = ServiceProcess.advice(on: error, service: "group-sync", replica: 3)
    #expect(advice?.contains("ROLLCALL_REPLICA") == true)
    #expect(advice?.contains("3") == true)
    #expect(ServiceProcess.advice(on: CancellationError(), service: "group-sync", replica: 3) == nil)
  }
}
