import Foundation
import TestSupport

/// The sample product of `ops/examples/product`, running as its own process with a deployment-wide token and a webhook endpoint.
struct SampleProduct: Sendable {
  let deployment: Deployment
  /// The URL of its page.
  let url: String
  /// The id of its webhook endpoint.
  let endpoint: String
  private let adminToken: String
  private let database: URL
  private let process: ServiceInstance

  /// Creates the token and the endpoint, and starts the product.
  ///
  /// - Throws: ``CommandRun/Failure``; `TimeoutError`.
  static func start(in deployment: Deployment) async throws -> SampleProduct {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-product-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let port = try FreePort.find()
    let url = "http://127.0.0.1:\(port)"
    let admin = try await token(of: deployment, scopes: ["admin"])
    let created = try await HTTP.send(
      "POST", server(of: deployment) + "/api/v2/admin/webhooks",
      headers: ["Authorization": "Bearer \(admin)", "Content-Type": "application/json"], body: #"{"url":"\#(url)/webhooks"}"#)
    guard created.status == 201, let endpoint = created.json["id"] as? String, let secret = created.json["secret"] as? String else {
      throw CommandRun.Failure(command: "POST /api/v2/admin/webhooks", status: Int32(created.status), output: created.text)
    }
    let database = folder.appendingPathComponent("product.db")
    let process = ServiceInstance(
      name: "product", executable: URL(fileURLWithPath: MailCatcher.python),
      arguments: ["-B", MailCatcher.root.appendingPathComponent("ops/examples/product/app.py").path],
      healthPort: port, healthPath: "/",
      environment: [
        "ROLLCALL_SERVER": server(of: deployment), "ROLLCALL_TOKEN": try await token(of: deployment, scopes: ["events", "sign-ins"]),
        "ROLLCALL_WEBHOOK_SECRET": secret, "PRODUCT_PORT": String(port), "PRODUCT_DATABASE": database.path,
      ], log: folder.appendingPathComponent("product.log"))
    ExitHandlers.add {
      process.terminate(with: SIGKILL)
      // If this fails, the system removes the temporary folder later.
      try? FileManager.default.removeItem(at: folder)
    }
    let product = SampleProduct(
      deployment: deployment, url: url, endpoint: endpoint, adminToken: admin, database: database, process: process)
    try await product.start()
    return product
  }

  /// Starts the process, which was stopped, and waits until it responds.
  func start() async throws {
    try process.start()
    try await eventually("the sample product to respond; its log: \(process.output.suffix(2000))") { await process.isReady() }
  }

  /// Kills the process.
  func kill() { process.terminate(with: SIGKILL) }

  /// Deletes the endpoint and ends the process.
  func remove() async throws {
    kill()
    _ = try await HTTP.send(
      "DELETE", "\(Self.server(of: deployment))/api/v2/admin/webhooks/\(endpoint)", headers: ["Authorization": "Bearer \(adminToken)"])
  }

  /// Everything that it has logged.
  var log: String { process.output }

  /// The number of snapshots that it has read.
  var snapshots: Int { log.components(separatedBy: "read a snapshot").count - 1 }

  /// The number of pages with events that it has read.
  var pages: Int { log.components(separatedBy: "events after the cursor").count - 1 }

  /// The part of its page that lists the sessions.
  func sessions() async throws -> String {
    try await HTTP.send("GET", url).text.components(separatedBy: "<h2>Sessions").last ?? ""
  }

  /// Presses the sign-in button of a user. The response redirects to the page.
  func signIn(_ user: String, of workspace: String) async throws -> HTTPResponse {
    var browser = ConsoleBrowser(at: url)
    return try await browser.submit("/sign-ins", [("workspace", workspace), ("member", user)])
  }

  /// Waits until its users, groups and memberships of a workspace equal the directory.
  ///
  /// - Parameters:
  ///   - workspace: The id of the workspace.
  ///   - token: A token of the workspace with the scope `directory`.
  func awaitEquality(of workspace: String, token: String) async throws {
    let script = MailCatcher.root.appendingPathComponent("ops/local/compare-product.py").path
    let arguments = ["-B", script, Self.server(of: deployment), database.path, workspace]
    // The command fails, and prints the differences, until there are none.
    try await eventually("the product's tables to equal the directory") {
      _ = try await CommandRun.output(
        of: URL(fileURLWithPath: MailCatcher.python), arguments: arguments, environment: ["ROLLCALL_TOKEN": token])
      return true
    }
  }

  /// The base URL of scim-api.
  private static func server(of deployment: Deployment) -> String {
    deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "")
  }

  private static func token(of deployment: Deployment, scopes: [String]) async throws -> String {
    let arguments = ["token", "issue", "--deployment", "--direct", "--name", "Sample product"] + scopes.flatMap { ["--scope", $0] }
    return try await deployment.scimctl(arguments).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
