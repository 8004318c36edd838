import Hummingbird
import Logging
import ServiceContextModule
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import ServiceKit

@Suite("The exporter of spans", .timeLimit(.minutes(1)))
struct SpanExporterTests {
  /// A process with a queue, a tracer and an exporter.
  private struct Process {
    let queue = SpanQueue(maximum: 100)
    let tracer: OTLPTracer
    let exporter: SpanExporter

    init(_ collector: TraceCollector, _ change: (inout SpanExporter.Configuration) -> Void = { _ in }) {
      var configuration = SpanExporter.Configuration(url: "\(collector.url)/v1/traces")
      configuration.headers = ["Authorization": "Bearer secret"]
      configuration.gathering = .milliseconds(1)
      configuration.retryDelay = .milliseconds(1)
      change(&configuration)
      tracer = OTLPTracer(queue: queue, rate: 100)
      exporter = SpanExporter(
        queue: queue, configuration: configuration, resource: .init(service: "scim-api", instance: "scim-api/0", version: "0.3.0"),
        logger: Logger(label: "exporter") { _ in SwiftLogNoOpLogHandler() })
    }

    func span(_ name: String) { tracer.startSpan(name, context: .topLevel, ofKind: .server).end() }
  }

  @Test("Spans are sent in batches, with the headers of the settings")
  func export() async throws {
    let collector = try TraceCollector()
    let process = Process(collector) { $0.batch = 2 }
    for number in 1...3 { process.span("\(number)") }
    try await running([collector, process.exporter]) {
      try await eventually("all spans") { collector.spans.count == 3 }
    }
    #expect(collector.spans.map(\.name) == ["1", "2", "3"])
    #expect(collector.spans.allSatisfy { $0.service == "scim-api" && $0.kind == 2 })
    #expect(collector.requests.map(\.spans) == [2, 1])
    #expect(collector.requests.allSatisfy { $0.path == "/v1/traces" && $0.authorization == "Bearer secret" })
  }

  @Test("A batch is sent again while the collector is unavailable, and dropped after the last attempt or if it is rejected")
  func retries() async throws {
    let statuses = Mutex<[HTTPResponse.Status]>([.serviceUnavailable, .ok, .badRequest, .badGateway, .badGateway])
    let collector = try TraceCollector { _ in
      Response(status: statuses.withLock { $0.isEmpty ? .ok : $0.removeFirst() })
    }
    let process = Process(collector) { $0.attempts = 2 }
    try await running([collector, process.exporter]) {
      try await collector.ready()
      for (name, requests) in [("repeated", 2), ("rejected", 3), ("given up", 5), ("sent", 6)] {
        process.span(name)
        try await eventually("the requests of '\(name)'") { collector.requests.count == requests }
      }
      try await eventually("the last span") { collector.spans.count == 2 }
    }
    #expect(collector.spans.map(\.name) == ["repeated", "sent"])
  }

  @Test("Spans that are left at the shutdown are sent")
  func flush() async throws {
    let collector = try TraceCollector()
    let process = Process(collector) {
      $0.gathering = .seconds(3600)
      $0.shutdownLimit = .seconds(3600)
    }
    try await running([collector, process.exporter]) {
      try await collector.ready()
      process.span("last")
    }
    #expect(collector.spans.map(\.name) == ["last"])
  }

  @Test("A collector that does not respond does not delay the shutdown beyond the limit")
  func hangingCollector() async throws {
    let collector = try TraceCollector { _ in
      try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(3600)) }
      return Response(status: .serviceUnavailable)
    }
    let process = Process(collector) {
      $0.timeout = .seconds(3600)
      $0.shutdownLimit = .milliseconds(10)
    }
    try await running([collector, process.exporter]) {
      try await collector.ready()
      process.span("stuck")
      try await eventually("the request") { collector.requests.count == 1 }
      process.span("waiting")
    }
    #expect(collector.spans.isEmpty && process.queue.count <= 1)
  }

  @Test(
    "The URL of traces follows from the endpoint",
    arguments: ["http://collector:4318", "http://collector:4318/", "http://collector:4318/v1/traces"])
  func url(endpoint: String) async throws {
    let settings = try await Self.settings(["ROLLCALL_OTLP_ENDPOINT": endpoint, "ROLLCALL_OTLP_HEADERS": "a=b,c=d=e"])
    let configuration = try SpanExporter.Configuration(settings)
    #expect(configuration.url == "http://collector:4318/v1/traces")
    #expect(configuration.headers == ["a": "b", "c": "d=e"])
  }

  @Test("Other protocols are rejected, and without an endpoint nothing is exported")
  func endpoint() async throws {
    let settings = try await Self.settings(["ROLLCALL_OTLP_ENDPOINT": "grpc://collector:4317"])
    #expect(throws: SettingsError.self) { try SpanExporter.Configuration(settings) }
    let none = try await Self.settings([:])
    let exporter = try SpanExporter.bootstrap(none, instance: "scim-api/0", logger: Logger(label: "test"))
    #expect(exporter == nil)
  }

  private static func settings(_ environment: [String: String]) async throws -> ServiceSettings {
    try await ServiceSettings.read(service: "scim-api", settings: .tracing, environment: environment)
  }
}
