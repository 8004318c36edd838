import Foundation
import Logging
import Metrics
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Health")
struct HealthTests {
  private let health = Health()
  private let registry = PrometheusRegistry()

  /// Runs the health server while `body` runs, which gets its URL.
  private func serving(_ body: (String) async throws -> Void) async throws {
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let quiet = Logger(label: "health", factory: { _ in SwiftLogNoOpLogHandler() })
    let server = HealthServer(
      host: "127.0.0.1", port: 0, health: health, metrics: registry, logger: quiet, onListening: { listening.yield($0) })
    let group = ServiceGroup(services: [server], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      try await body("http://127.0.0.1:\(port)")
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("A starting process is alive but not ready, and says what it waits for")
  func starting() async throws {
    health.setProcessProblem("waiting for Kafka: no broker answers")
    try await serving { url in
      #expect(try await HTTP.fetch("\(url)/livez").status == 200)
      let answer = try await HTTP.fetch("\(url)/readyz")
      #expect(answer.status == 503)
      #expect(answer.type == "application/json")
      #expect(try answer.problems == ["process": "waiting for Kafka: no broker answers"])
    }
  }

  @Test("The process is ready if all checks pass; otherwise it reports every problem")
  func checks() async throws {
    let smtp = Mutex<String?>("451 try \"later\"\nplease")
    health.setProcessProblem(nil)
    health.add("smtp") { smtp.withLock { $0 } }
    health.add("kafka") { nil }
    try await serving { url in
      let unwell = try await HTTP.fetch("\(url)/readyz")
      #expect(unwell.status == 503)
      #expect(try unwell.problems == ["smtp": "451 try \"later\"\nplease"])
      smtp.withLock { $0 = nil }
      let well = try await HTTP.fetch("\(url)/readyz")
      #expect(well.status == 200)
      #expect(try well.problems == [:])
    }
  }

  @Test("A part that the process can do without is described, and has no effect on the readiness")
  func details() async throws {
    health.setProcessProblem(nil)
    try await serving { url in
      #expect(try await HTTP.fetch("\(url)/readyz").text == "{\"ready\":true,\"problems\":{}}\n")
      health.addDetail("read replica") { "not used: it lags behind" }
      let answer = try await HTTP.fetch("\(url)/readyz")
      #expect(answer.status == 200)
      #expect(answer.text == "{\"ready\":true,\"problems\":{},\"details\":{\"read replica\":\"not used: it lags behind\"}}\n")
    }
  }

  @Test("A check that does not return in time fails")
  func hangingCheck() async throws {
    health.setProcessProblem(nil)
    health.add("hanging") {
      do {
        try await Task.sleep(for: .seconds(3600))
        return nil
      } catch {
        return nil
      }
    }
    #expect(await health.problems() == ["hanging": "no answer within 3 seconds"])
  }

  @Test("/metrics is in Prometheus' text format")
  func metrics() async throws {
    Counter(label: "seen_total", factory: registry).increment()
    try await serving { url in
      let answer = try await HTTP.fetch("\(url)/metrics")
      #expect(answer.status == 200)
      #expect(answer.type == "text/plain; version=0.0.4; charset=utf-8")
      #expect(answer.text.contains("\nseen_total 1\n"))
      #expect(answer.text.contains("\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "))
      #expect(answer.text.contains("\nrollcall_ready 0\n"))
      health.setProcessProblem(nil)
      #expect(try await HTTP.fetch("\(url)/metrics").text.contains("\nrollcall_ready 1\n"))
    }
  }

  @Test("The error for an occupied port names the port and the settings")
  func takenPort() async throws {
    try await serving { url in
      let port = try #require(URL(string: url)?.port)
      let second = HealthServer(
        host: "127.0.0.1", port: port, health: health, metrics: registry,
        logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
      let error = await #expect(throws: HealthServerError.self) { try await second.run() }
      let text = error?.description ?? ""
      #expect(text.contains("127.0.0.1:\(port)") && text.contains("ROLLCALL_HEALTH_PORT"))
    }
  }
}
