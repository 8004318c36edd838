import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Answers `/livez`, `/readyz` and `/metrics`, on a port of its own, from the process's first moment to its last.
struct HealthServer: Service {
  let host: String
  let port: Int
  let health: Health
  let metrics: PrometheusRegistry
  let logger: Logger
  /// Called with the port that is listened on, once it is.
  var onListening: @Sendable (Int) -> Void = { _ in }

  func run() async throws {
    let router = Router()
    router.get("/livez") { _, _ in "alive\n" }
    router.get("/readyz") { [health] _, _ in Self.readiness(await health.problems()) }
    router.get("/metrics") { [metrics] _, _ in
      Response(
        status: .ok, headers: [.contentType: PrometheusText.contentType],
        body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.text())))
    }
    let server = Application(
      router: router, server: .http1(configuration: .init(idleTimeout: .seconds(75))),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections)),
      onServerRunning: { [logger, onListening] channel in
        logger.info("health and metrics are served", metadata: ["address": "\(channel.localAddress.map(String.init(describing:)) ?? "")"])
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

  /// 200 where nothing is wrong, else 503 with what is, as a JSON object.
  private static func readiness(_ problems: [String: String]) -> Response {
    var text = JSONText()
    text.object { text in
      text.name("ready")
      text.raw(problems.isEmpty ? "true" : "false")
      text.name("problems")
      text.object { text in
        for (name, problem) in problems.sorted(by: { $0.key < $1.key }) { text.member(name, problem) }
      }
    }
    return Response(
      status: problems.isEmpty ? .ok : .serviceUnavailable, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: text.bytes + [UInt8(ascii: "\n")])))
  }
}

/// The port of health and metrics could not be listened on.
struct HealthServerError: Error, CustomStringConvertible {
  var host: String
  var port: Int
  var reason: String

  var description: String {
    "cannot listen on \(host):\(port) for health and metrics (\(reason)): set \(Setting.healthHost.environmentName) and "
      + "\(Setting.healthPort.environmentName) to an address that is free"
  }
}
