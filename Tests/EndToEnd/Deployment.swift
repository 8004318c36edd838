import Credentials
import Crypto
import Foundation
import Kafka
import Logging
import Models
import Postgres
import TestSupport

/// A Rollcall deployment: PostgreSQL, a Kafka broker, a mail catcher and every service as its own process, on their own ports.
actor Deployment {
  /// The URL of the console that the mailer is configured with.
  static let publicURL = "https://console.rollcall.example"
  /// The key that encrypts the secrets of webhook endpoints.
  static let webhookKey = "the webhooks of the end-to-end tests"
  /// The address for notices about the deployment.
  static let operatorAddress = "operator@rollcall.example"

  nonisolated let mail: MailCatcher
  /// The SCIM base URL of scim-api.
  nonisolated let scimURL: String
  /// The base URL of the product's directory API.
  nonisolated let directoryURL: String
  nonisolated let kafka: KafkaConfiguration
  /// The port of the collector to which the services send spans, for a test that runs one. Only sampled requests have spans.
  nonisolated let collectorPort: Int
  /// The URL of the database for the superuser.
  nonisolated let databaseURL: String
  /// The port of a second scim-api process; see ``secondEdge()``.
  private let secondPort: Int
  /// The ports of two scim-api processes with a low rate limit; see ``startLimitedEdges()``.
  private let limitedPorts: [Int]
  private let postgres: PostgresServer
  private nonisolated let broker: KafkaBroker
  private let services: [String: ServiceInstance]
  private let scimctlEnvironment: [String: String]
  private var workspaces = 0

  private static let sharedOne = AsyncLazy { try await start() }

  /// The deployment that all tests of this process share, started when it is first needed.
  static func shared() async throws -> Deployment { try await sharedOne.value() }

  /// Starts a separate deployment, for tests that would disturb the others.
  ///
  /// - Parameter edgeSettings: Settings of scim-api that replace those of the shared deployment.
  static func start(edgeSettings: [String: String] = [:]) async throws -> Deployment {
    let postgres = try await PostgresServer.start()
    let broker = try await KafkaBroker.start()
    let mail = try await MailCatcher()
    let deployment = try await Deployment(postgres: postgres, broker: broker, mail: mail, edgeSettings: edgeSettings)
    try await deployment.startServices()
    return deployment
  }

  private init(postgres: PostgresServer, broker: KafkaBroker, mail: MailCatcher, edgeSettings: [String: String]) async throws {
    self.postgres = postgres
    self.broker = broker
    self.mail = mail
    let database = try await postgres.createDatabase()
    let httpPort = try FreePort.find()
    scimURL = "http://127.0.0.1:\(httpPort)/api/v2/scim"
    directoryURL = "http://127.0.0.1:\(httpPort)/api/v2/directory"
    kafka = broker.configuration(clientID: "end-to-end")
    databaseURL = postgres.url(database: database)
    secondPort = try FreePort.find()
    limitedPorts = try Self.limited.map { _ in try FreePort.find() }
    collectorPort = try FreePort.find()
    let common = [
      "ROLLCALL_KAFKA": broker.bootstrapServers,
      "ROLLCALL_TOPIC_PARTITIONS": "4",
      "ROLLCALL_KAFKA_PAUSE_EMPTY_FETCHES": "true",
      "ROLLCALL_LOG_LEVEL": "info",
      "ROLLCALL_OTLP_ENDPOINT": "http://127.0.0.1:\(collectorPort)",
      "ROLLCALL_TRACES_PER_SECOND": "0",
    ]
    // Each process logs in to the database with its own role.
    let databaseSettings = { (role: String) in ["ROLLCALL_DATABASE_URL": postgres.url(database: database, role: role)] }
    scimctlEnvironment = common.merging(databaseSettings("scimctl")) { _, new in new }
      .merging(["ROLLCALL_SCIM_URL": scimURL, "ROLLCALL_SMTP_URL": mail.url]) { _, new in new }
    let logs = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-end-to-end-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    let oauth = ["ROLLCALL_OAUTH_KEY": "the secret of the end-to-end tests"]
    let webhookKey = ["ROLLCALL_WEBHOOK_KEY": Self.webhookKey]
    // The products of the tests run on this machine.
    let localWebhooks = ["ROLLCALL_WEBHOOKS_ALLOW_INSECURE": "true", "ROLLCALL_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES": "true"]
    let edge = [
      "ROLLCALL_HTTP_PORT": String(httpPort), "ROLLCALL_HTTP_HOST": "127.0.0.1", "ROLLCALL_HTTP_SHARE_PORT": "true",
      "ROLLCALL_TOKEN_USE_INTERVAL": "1s",
      "ROLLCALL_DATABASE_FEED_URL": postgres.url(database: database, role: "scim_api_feed"),
      // All tests have the same client address.
      "ROLLCALL_LIMIT_UNAUTHENTICATED_BURST": "10000",
    ].merging(oauth) { _, new in new }.merging(webhookKey) { _, new in new }.merging(edgeSettings) { _, new in new }
    var serviceSettings: [String: [String: String]] = [
      "scim-api": edge.merging(["ROLLCALL_REPLICA": "0"]) { _, new in new },
      Self.successor: edge.merging(["ROLLCALL_REPLICA": "1"]) { _, new in new },
      Self.second: edge.merging(["ROLLCALL_REPLICA": "2", "ROLLCALL_HTTP_PORT": String(secondPort)]) { _, new in new },
      "identity-store": ["ROLLCALL_TOMBSTONE_KEY": "the tombstones of the end-to-end tests"].merging(oauth) { _, new in new }
        .merging(localWebhooks) { _, new in new },
      "invitation-mailer": [
        "ROLLCALL_SMTP_URL": mail.url, "ROLLCALL_MAIL_FROM": "Rollcall <invitations@rollcall.example>",
        "ROLLCALL_MAIL_NOTICE_GATHERING": "1s", "ROLLCALL_HTTP_PUBLIC_URL": Self.publicURL,
        "ROLLCALL_MAIL_OPERATOR_ADDRESS": Self.operatorAddress,
      ],
      "group-sync": [
        "ROLLCALL_SECURITY_SIGNING_KEY": P256.Signing.PrivateKey().pemRepresentation,
        "ROLLCALL_SECURITY_ISSUER": "https://e2e.example",
      ].merging(webhookKey) { _, new in new }.merging(localWebhooks) { _, new in new },
    ]
    for (index, (name, port)) in zip(Self.limited, limitedPorts).enumerated() {
      serviceSettings[name] = edge.merging([
        "ROLLCALL_REPLICA": "\(3 + index)", "ROLLCALL_HTTP_PORT": "\(port)", "ROLLCALL_LIMIT_WORKSPACE_RATE": "\(Self.limitedRate)",
        "ROLLCALL_LIMIT_WORKSPACE_BURST": "\(Self.limitedRate)", "ROLLCALL_LIMIT_REJECTION_RATE": "0",
      ]) { _, new in new }
    }
    var services: [String: ServiceInstance] = [:]
    for (name, settings) in serviceSettings {
      let port = try FreePort.find()
      let environment = common.merging([
        "ROLLCALL_HEALTH_PORT": String(port), "ROLLCALL_HEALTH_HOST": "127.0.0.1", "ROLLCALL_REPLICA": "0",
      ]) { _, new in new }.merging(settings) { _, new in new }.merging(databaseSettings(Self.role(of: name))) { _, new in new }
      services[name] = ServiceInstance(
        name: name.hasPrefix("scim-api") ? "scim-api" : name, healthPort: port, environment: environment,
        log: logs.appendingPathComponent("\(name).log"))
    }
    self.services = services
    ExitHandlers.add { [services] in
      for service in services.values { service.terminate(with: SIGKILL) }
      // If this fails, the system removes the temporary folder later.
      try? FileManager.default.removeItem(at: logs)
    }
  }

  /// The database role of a service, as in `ops/local/database.sql`.
  private static func role(of service: String) -> String {
    (service.hasPrefix("scim-api") ? "scim-api" : service).replacingOccurrences(of: "-", with: "_")
  }

  /// Deletes a topic.
  func delete(_ topic: Topic) async throws { try await broker.delete(topic) }

  /// Deletes all messages of a topic, as retention does.
  func deleteMessages(of topic: Topic, partitions: Int32 = 4) async throws {
    let inspection = try ClusterInspection(kafka, logger: Logger(label: "inspection", factory: { _ in SwiftLogNoOpLogHandler() }))
    for (partition, position) in try await inspection.positions(of: "end-to-end", on: [topic.name: Int(partitions)]) {
      try await broker.deleteMessages(of: topic, partition: partition.partition, before: position.high)
    }
  }

  /// Stops a service with SIGTERM.
  func stop(_ name: String) { services[name]?.terminate(with: SIGTERM) }

  /// Starts a stopped service and waits until it is ready.
  func start(_ name: String) async throws {
    guard let service = services[name] else { throw CocoaError(.keyValueValidation) }
    try service.start()
    try await waitUntilReady(service)
  }

  /// Runs a query and returns the first column of its first row; -1 without rows.
  func integer(_ sql: String) async throws -> Int {
    let pool = PostgresPool(
      PostgresConfiguration(url: databaseURL, connections: 1, applicationName: "end-to-end"),
      logger: Logger(label: "database", factory: { _ in SwiftLogNoOpLogHandler() }))
    let rows = try await pool.query(Statement(once: "number", sql))
    await pool.close()
    return try rows.first?.int(0) ?? -1
  }

  /// Stops every service, for a deployment that is not shared.
  func stopAll() { for service in services.values { service.terminate(with: SIGKILL) } }

  private func startServices() async throws {
    try await scimctl(["migrate"], settings: ["ROLLCALL_DATABASE_URL": databaseURL])
    try await postgres.makeLogins()
    let first = services.filter { !$0.key.hasPrefix("scim-api.") }.values
    for service in first { try service.start() }
    for service in first { try await waitUntilReady(service) }
  }

  /// The name of the scim-api process that replaces the first one; see ``replaceEdge()``.
  private static let successor = "scim-api.next"

  /// Restarts scim-api as `ops/restart` does: starts a second process on the same port and stops the first one. Then replaces the second
  /// process in the same way.
  func replaceEdge() async throws {
    for (old, new) in [("scim-api", Self.successor), (Self.successor, "scim-api")] {
      guard let old = services[old], let new = services[new] else { throw CocoaError(.keyValueValidation) }
      try new.start()
      try await waitUntilReady(new)
      old.terminate(with: SIGTERM)
    }
  }

  /// The name of the scim-api process that runs beside the first one on another port.
  private static let second = "scim-api.second"
  private var secondIsStarted = false

  /// The SCIM base URL of a second scim-api process, which is started when it is first needed.
  func secondEdge() async throws -> String {
    guard let service = services[Self.second] else { throw CocoaError(.keyValueValidation) }
    if !secondIsStarted {
      secondIsStarted = true
      try service.start()
    }
    try await waitUntilReady(service)
    return "http://127.0.0.1:\(secondPort)/api/v2/scim"
  }

  /// The names of two scim-api processes with a low rate limit for workspaces.
  static let limited = ["scim-api.limited-1", "scim-api.limited-2"]
  /// Their rate per second and their burst.
  static let limitedRate = 10

  /// Starts two scim-api processes with a low rate limit, which do not delay rejections, and returns their SCIM base URLs.
  func startLimitedEdges() async throws -> [String] {
    for name in Self.limited { try await start(name) }
    return limitedPorts.map { "http://127.0.0.1:\($0)/api/v2/scim" }
  }

  private func waitUntilReady(_ service: ServiceInstance) async throws {
    try await eventually("\(service.name) to be ready; its log: \(service.output.suffix(2000))", within: .seconds(60)) {
      await service.isReady()
    }
  }

  /// Stops a service with `signal`, starts it again and waits until it is ready.
  func restart(_ name: String, by signal: Int32) async throws {
    guard let service = services[name] else { throw CocoaError(.keyValueValidation) }
    service.terminate(with: signal)
    try service.start()
    try await waitUntilReady(service)
  }

  /// Kills PostgreSQL and starts it again after `duration`.
  func interruptPostgres(for duration: Duration) async throws {
    try await postgres.kill()
    try await Task.sleep(for: duration)
    try await postgres.start()
  }

  /// Stops the Kafka broker and starts it again after `duration`.
  ///
  /// The services are suspended while the broker stops. Unlike Kafka, the broker of the tests stores acknowledged messages only once a second,
  /// and loses later ones if it stops under load.
  func interruptBroker(for duration: Duration) async throws {
    for service in services.values { service.suspend() }
    defer { for service in services.values { service.resume() } }
    try await Task.sleep(for: .seconds(3))
    try await broker.stop()
    for service in services.values { service.resume() }
    try await Task.sleep(for: duration)
    try await broker.start()
  }

  /// What a service exports at `/metrics`.
  func metrics(of name: String) async throws -> String {
    guard let service = services[name] else { throw CocoaError(.keyValueValidation) }
    return try await HTTP.send("GET", "http://127.0.0.1:\(service.healthPort)/metrics").text
  }

  /// The process ids of the running services.
  var processes: [Int32] { services.values.compactMap(\.processIdentifier) }

  /// The log of the PostgreSQL server.
  var databaseLog: String { postgres.log }

  /// Everything that the services have written, by name.
  var logs: [String: String] { services.mapValues(\.output) }

  /// The end of a service's log, for failure messages.
  func logTail(of name: String) -> String { String(services[name]?.output.suffix(4000) ?? "") }

  /// Runs `scimctl` and returns its standard output. `settings` override those of the deployment.
  ///
  /// - Throws: ``CommandRun/Failure`` if the exit status is not 0.
  @discardableResult
  func scimctl(_ arguments: [String], workspace: String? = nil, settings: [String: String] = [:]) async throws -> String {
    try await CommandRun.output(
      of: ServiceInstance.productsDirectory.appendingPathComponent("scimctl"), arguments: arguments,
      environment: scimctlEnvironment.merging(workspace.map { ["ROLLCALL_WORKSPACE": $0] } ?? [:]) { _, new in new }
        .merging(settings) { _, new in new })
  }

  /// Runs `scimctl` and returns its output and exit status.
  func scimctlResult(_ arguments: [String], workspace: String?, settings: [String: String] = [:]) async throws -> CommandRun.Result {
    try await CommandRun.result(
      of: ServiceInstance.productsDirectory.appendingPathComponent("scimctl"), arguments: arguments,
      environment: scimctlEnvironment.merging(workspace.map { ["ROLLCALL_WORKSPACE": $0] } ?? [:]) { _, new in new }
        .merging(settings) { _, new in new })
  }

  /// The mails that a recipient has received.
  nonisolated func mails(to address: String) async throws -> [ReceivedEmail] {
    try await mail.mails().filter { $0.recipient == address }
  }

  /// Creates a workspace and a token. `settings` are arguments of `scimctl workspace create`.
  func workspace(settings: [String] = ["--plan", "enterprise", "--saml-sso", "--scim"]) async throws -> Workspace {
    workspaces += 1
    let slug = "workspace-\(workspaces)"
    try await scimctl(
      ["workspace", "create", slug, "--name", "Workspace \(workspaces)", "--sign-in-url", "https://\(slug).example/sign-in"] + settings)
    let printed = try await scimctl(["token", "issue", "--name", "identity provider", "--scope", "scim"], workspace: slug)
    guard let token = printed.split(whereSeparator: \.isWhitespace).map(String.init).first(where: { AccessToken($0) != nil }) else {
      throw CommandRun.Failure(command: "token issue", status: 0, output: printed)
    }
    return Workspace(deployment: self, slug: slug, identityProvider: IdentityProvider(baseURL: scimURL, token: token))
  }

  /// The identity provider of `workspace`, connected to each of the two scim-api processes.
  func bothEdges(of workspace: Workspace) async throws -> [IdentityProvider] {
    let second = try await secondEdge()
    return [workspace.identityProvider, IdentityProvider(baseURL: second, token: workspace.identityProvider.token)]
  }
}
