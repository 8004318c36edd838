import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP server for `/livez`, `/readyz` and `/metrics`. It has a separate port and runs from the start of the process to its end.
struct HealthServer: Service {
  let host: String
  let port: Int
  let health: Health
  let metrics: PrometheusRegistry
  let logger: Logger
  /// Called with the port once the server listens.
  var onListening: @Sendable (Int) -> Void = { _ in }

  func run() async throws {
    let router = Router()
    router.get("/livez") { _, _ in "alive\n" }
    router.get("/readyz") { [health] _, _ in Self.readiness(await health.problems(), health.currentDetails) }
    router.get("/metrics") { _, _ in
      let text = await measurements()
      return Response(
        status: .ok, headers: [.contentType: PrometheusText.contentType], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
    let server = Application(
      router: router, server: .http1(configuration: .init(idleTimeout: .seconds(75))),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections)),
      onServerRunning: { [logger, onListening] channel in
        logger.info("health server is listening", metadata: ["address": "\(channel.localAddress.map(String.init(describing:)) ?? "")"])
        onListening(channel.localAddress?.port ?? 0)
      },
      logger: Logger(label: "health") { _ in SwiftLogNoOpLogHandler() })
    do {
      try await server.run()
    } catch let error as IOError {
      throw HealthServerError(host: host, port: port, reason: "\(error)")
    }
  }

  private static let maximumConnections = 256

  /// The response of `/metrics`: what the process has recorded, whether it is ready, and what it uses of the machine.
  private func measurements() async -> String {
    let isReady = await health.problems().isEmpty
    metrics.makeMeter(label: "rollcall_ready", dimensions: []).set(Int64(isReady ? 1 : 0))
    do {
      return metrics.text() + ProcessMetrics.text(try ProcessUsage.current())
    } catch {
      logger.warning("the process cannot be measured", metadata: ["error": "\(error)"])
      return metrics.text()
    }
  }

  /// The response of `/readyz`: 200 if there are no problems, otherwise 503; a JSON object with the problems, and with details if
  /// there are any.
  private static func readiness(_ problems: [String: String], _ details: [String: String]) -> Response {
    var text = JSONText()
    text.object { text in
      text.name("ready")
      text.raw(problems.isEmpty ? "true" : "false")
      text.name("problems")
      text.object { text in
        for (name, problem) in problems.sorted(by: { $0.key < $1.key }) { text.member(name, problem) }
      }
      if !details.isEmpty {
        text.name("details")
        text.object { text in
          for (name, detail) in details.sorted(by: { $0.key < $1.key }) { text.member(name, detail) }
        }
      }
    }
    return Response(
      status: problems.isEmpty ? .ok : .serviceUnavailable, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: text.bytes + [UInt8(ascii: "\n")])))
  }
}

/// The error for a port that the health server cannot bind.
struct HealthServerError: Error, CustomStringConvertible {
  var host: String
  var port: Int
  var reason: String

  var description: String {
    "cannot listen on \(host):\(port) for health and metrics (\(reason)): set \(Setting.healthHost.environmentName) and "
      + "\(Setting.healthPort.environmentName) to an address that is free"
  }
}
