import Credentials
import Crypto
import Foundation
import Kafka
import Logging
import Models
import Postgres
import TestSupport

/// The whole suite, each service its own process, on ports and in folders of its own.
actor Suite {
  /// Where the console is, as the mailer is told.
  static let publicURL = "https://console.rollcall.example"

  nonisolated let mail: MailCatcher
  nonisolated let scimURL: String
  /// Where the product asks for its directory.
  nonisolated let directoryURL: String
  nonisolated let kafka: KafkaConfiguration
  /// The database, as its superuser.
  nonisolated let databaseURL: String
  /// The port of an edge beside the one that all tests talk to; see ``secondEdge()``.
  private let secondPort: Int
  private let postgres: PostgresServer
  private nonisolated let broker: KafkaBroker
  private let services: [String: RunningService]
  private let scimctlEnvironment: [String: String]
  private var workspaces = 0

  private static let sharedOne = MadeOnce { try await start() }

  /// The suite that all tests of this process share; started by the first that asks.
  static func shared() async throws -> Suite { try await sharedOne.value() }

  private static func start() async throws -> Suite {
    let postgres = try await PostgresServer.start()
    let broker = try await KafkaBroker.start()
    let mail = try await MailCatcher()
    let suite = try await Suite(postgres: postgres, broker: broker, mail: mail)
    try await suite.startServices()
    return suite
  }

  private init(postgres: PostgresServer, broker: KafkaBroker, mail: MailCatcher) async throws {
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
    let common = [
      "ROLLCALL_KAFKA": broker.bootstrapServers,
      "ROLLCALL_TOPIC_PARTITIONS": "4",
      "ROLLCALL_KAFKA_PAUSE_EMPTY_FETCHES": "true",
      "ROLLCALL_LOG_LEVEL": "info",
    ]
    /// Each process may do in the database what its role may.
    let access = { (role: String) in ["ROLLCALL_DATABASE_URL": postgres.url(database: database, role: role)] }
    scimctlEnvironment = common.merging(access("scimctl")) { _, new in new }
      .merging(["ROLLCALL_SCIM_URL": scimURL, "ROLLCALL_SMTP_URL": mail.url]) { _, new in new }
    let logs = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-end-to-end-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    let oauth = ["ROLLCALL_OAUTH_KEY": "the secret of the end-to-end tests"]
    let edge = [
      "ROLLCALL_HTTP_PORT": String(httpPort), "ROLLCALL_HTTP_HOST": "127.0.0.1", "ROLLCALL_HTTP_SHARE_PORT": "true",
      "ROLLCALL_TOKEN_USE_INTERVAL": "1s",
      // All the tests come from one address.
      "ROLLCALL_LIMIT_UNAUTHENTICATED_BURST": "10000",
    ].merging(oauth) { _, new in new }
    let own: [String: [String: String]] = [
      "scim-api": edge.merging(["ROLLCALL_REPLICA": "0"]) { _, new in new },
      Self.successor: edge.merging(["ROLLCALL_REPLICA": "1"]) { _, new in new },
      Self.second: edge.merging(["ROLLCALL_REPLICA": "2", "ROLLCALL_HTTP_PORT": String(secondPort)]) { _, new in new },
      "identity-store": ["ROLLCALL_TOMBSTONE_KEY": "the tombstones of the end-to-end tests"].merging(oauth) { _, new in new },
      "invitation-mailer": [
        "ROLLCALL_SMTP_URL": mail.url, "ROLLCALL_MAIL_FROM": "Rollcall <invitations@rollcall.example>",
        "ROLLCALL_MAIL_NOTICE_GATHERING": "1s", "ROLLCALL_HTTP_PUBLIC_URL": Self.publicURL,
      ],
      "group-sync": [
        "ROLLCALL_SECURITY_SIGNING_KEY": P256.Signing.PrivateKey().pemRepresentation,
        "ROLLCALL_SECURITY_ISSUER": "https://e2e.example",
      ],
    ]
    var services: [String: RunningService] = [:]
    for (name, settings) in own {
      let port = try FreePort.find()
      let environment = common.merging([
        "ROLLCALL_HEALTH_PORT": String(port), "ROLLCALL_HEALTH_HOST": "127.0.0.1", "ROLLCALL_REPLICA": "0",
      ]) { _, new in new }.merging(settings) { _, new in new }.merging(access(Self.role(of: name))) { _, new in new }
      services[name] = RunningService(
        name: name.hasPrefix("scim-api") ? "scim-api" : name, healthPort: port, environment: environment,
        log: logs.appendingPathComponent("\(name).log"))
    }
    self.services = services
    EndOfProcess.run { [services] in
      for service in services.values { service.end(by: SIGKILL) }
      // Where it cannot be removed, a folder of logs is left for the system to clear away.
      try? FileManager.default.removeItem(at: logs)
    }
  }

  /// The role that a service logs in as, as `ops/local/database.sql` has them.
  private static func role(of service: String) -> String {
    (service.hasPrefix("scim-api") ? "scim-api" : service).replacingOccurrences(of: "-", with: "_")
  }

  /// A suite of a test's own, for what would harm the others.
  static func ownSuite() async throws -> Suite { try await start() }

  /// Deletes a topic.
  func delete(_ topic: Topic) async throws { try await broker.delete(topic) }

  /// Deletes all messages of a topic, as retention would.
  func deleteMessages(of topic: Topic, partitions: Int32 = 4) async throws {
    let inspection = try ClusterInspection(kafka, logger: Logger(label: "inspection", factory: { _ in SwiftLogNoOpLogHandler() }))
    for (partition, position) in try await inspection.positions(of: "end-to-end", on: [topic.name: Int(partitions)]) {
      try await broker.deleteMessages(of: topic, partition: partition.partition, before: position.high)
    }
  }

  /// Stops one service.
  func stop(_ name: String) { services[name]?.end(by: SIGTERM) }

  /// Starts a service that was stopped.
  func startAgain(_ name: String) async throws {
    guard let service = services[name] else { throw CocoaError(.keyValueValidation) }
    try service.start()
    try await waitUntilReady(service)
  }

  /// The first column of a query's first row.
  func number(_ sql: String) async throws -> Int {
    let pool = PostgresPool(
      PostgresConfiguration(url: databaseURL, connections: 1, applicationName: "end-to-end"),
      logger: Logger(label: "database", factory: { _ in SwiftLogNoOpLogHandler() }))
    let rows = try await pool.query(Statement(once: "number", sql))
    await pool.close()
    return try rows.first?.int(0) ?? -1
  }

  /// Ends every service, where the suite is a test's own.
  func end() { for service in services.values { service.end(by: SIGKILL) } }

  private func startServices() async throws {
    try await scimctl(["migrate"], settings: ["ROLLCALL_DATABASE_URL": databaseURL])
    try await postgres.makeLogins()
    let first = services.filter { ![Self.successor, Self.second].contains($0.key) }.values
    for service in first { try service.start() }
    for service in first { try await waitUntilReady(service) }
  }

  /// The second process of the edge, which takes the first one's place and gives it back.
  private static let successor = "scim-api.next"

  /// Restarts the edge as `ops/restart` does: a second process on the same port, and then the end of the first; and the same once more,
  /// the other way round.
  func handOverEdge() async throws {
    for (leaving, coming) in [("scim-api", Self.successor), (Self.successor, "scim-api")] {
      guard let leaving = services[leaving], let coming = services[coming] else { throw CocoaError(.keyValueValidation) }
      try coming.start()
      try await waitUntilReady(coming)
      leaving.end(by: SIGTERM)
    }
  }

  /// An edge that runs beside the first one, on a port of its own.
  private static let second = "scim-api.second"
  private var secondIsStarted = false

  /// The SCIM URL of the second edge, which is started for whoever asks first.
  func secondEdge() async throws -> String {
    guard let service = services[Self.second] else { throw CocoaError(.keyValueValidation) }
    if !secondIsStarted {
      secondIsStarted = true
      try service.start()
    }
    try await waitUntilReady(service)
    return "http://127.0.0.1:\(secondPort)/api/v2/scim"
  }

  private func waitUntilReady(_ service: RunningService) async throws {
    try await eventually("\(service.name) to be ready; it says: \(service.output.suffix(2000))", within: .seconds(60)) {
      await service.isReady()
    }
  }

  /// Stops one service with `signal` and starts it again.
  func restart(_ name: String, by signal: Int32) async throws {
    guard let service = services[name] else { throw CocoaError(.keyValueValidation) }
    service.end(by: signal)
    try service.start()
    try await waitUntilReady(service)
  }

  func outageOfPostgres(_ duration: Duration) async throws {
    try await postgres.kill()
    try await Task.sleep(for: duration)
    try await postgres.start()
  }

  /// Ends the broker while the services, held for a moment, have nothing under way with it: the one of the tests, unlike Kafka, writes
  /// down once a second what it has acknowledged, and forgets the rest when it is killed, and at SIGTERM under traffic as well.
  func outageOfBroker(_ duration: Duration) async throws {
    for service in services.values { service.hold() }
    defer { for service in services.values { service.goOn() } }
    try await Task.sleep(for: .seconds(3))
    try await broker.stop()
    for service in services.values { service.goOn() }
    try await Task.sleep(for: duration)
    try await broker.start()
  }

  /// All that the services have written, by their names.
  var logs: [String: String] { services.mapValues(\.output) }

  /// The end of what a service has written, for a failure's message.
  func lastWords(of name: String) -> String { String(services[name]?.output.suffix(4000) ?? "") }

  /// Runs `scimctl` to its end and returns what it printed. `settings` win over those of the suite.
  @discardableResult
  func scimctl(_ arguments: [String], workspace: String? = nil, settings: [String: String] = [:]) async throws -> String {
    try await CommandRun.output(
      of: RunningService.products.appendingPathComponent("scimctl"), arguments: arguments,
      environment: scimctlEnvironment.merging(workspace.map { ["ROLLCALL_WORKSPACE": $0] } ?? [:]) { _, new in new }
        .merging(settings) { _, new in new })
  }

  /// Runs `scimctl` to its end and returns all that it printed, whatever its exit status.
  func everythingPrinted(by arguments: [String], workspace: String?, settings: [String: String] = [:]) async throws -> CommandRun.Result {
    try await CommandRun.result(
      of: RunningService.products.appendingPathComponent("scimctl"), arguments: arguments,
      environment: scimctlEnvironment.merging(workspace.map { ["ROLLCALL_WORKSPACE": $0] } ?? [:]) { _, new in new }
        .merging(settings) { _, new in new })
  }

  /// The mails delivered to an address.
  nonisolated func letters(to address: String) async throws -> [CaughtMail] {
    try await mail.mails().filter { $0.recipient == address }
  }

  /// A new workspace with a token; `settings` are arguments of `scimctl workspace create`.
  func workspace(settings: [String] = ["--plan", "enterprise", "--saml-sso", "--scim"]) async throws -> Workspace {
    workspaces += 1
    let slug = "workspace-\(workspaces)"
    try await scimctl(
      ["workspace", "create", slug, "--name", "Workspace \(workspaces)", "--sign-in-url", "https://\(slug).example/sign-in"] + settings)
    let printed = try await scimctl(["token", "issue", "--name", "identity provider", "--scope", "scim"], workspace: slug)
    guard let token = printed.split(whereSeparator: \.isWhitespace).map(String.init).first(where: { AccessToken($0) != nil }) else {
      throw CommandRun.Failure(command: "token issue", status: 0, output: printed)
    }
    return Workspace(suite: self, slug: slug, identityProvider: IdentityProvider(baseURL: scimURL, token: token))
  }

  /// Both edges, as the identity provider of `workspace` reaches them.
  func bothEdges(of workspace: Workspace) async throws -> [IdentityProvider] {
    let second = try await secondEdge()
    return [workspace.identityProvider, IdentityProvider(baseURL: second, token: workspace.identityProvider.token)]
  }
}

/// A workspace of the running suite, with an identity provider connected to it.
struct Workspace: Sendable {
  let suite: Suite
  let slug: String
  let identityProvider: IdentityProvider

  @discardableResult
  func scimctl(_ arguments: [String]) async throws -> String {
    try await suite.scimctl(arguments, workspace: slug)
  }

  /// The emails that the product shows in a group.
  func membersShown(in group: String) async throws -> [String] {
    try await scimctl(["group", "members", group]).split(separator: "\n").map(String.init)
  }
}

/// A command that runs to its end.
enum CommandRun {
  struct Failure: Error, CustomStringConvertible {
    var command: String
    var status: Int32
    var output: String
    var description: String { "'\(command)' ended with \(status): \(output)" }
  }

  struct Result: Sendable {
    var status: Int32
    var output: String
    var errors: String
  }

  /// What `executable` prints on standard output.
  static func output(of executable: URL, arguments: [String], environment: [String: String]) async throws -> String {
    let result = try await result(of: executable, arguments: arguments, environment: environment)
    guard result.status == 0 else {
      throw Failure(
        command: ([executable.lastPathComponent] + arguments).joined(separator: " "), status: result.status,
        output: result.output + result.errors)
    }
    return result.output
  }

  /// What `executable` prints, and its exit status.
  static func result(of executable: URL, arguments: [String], environment: [String: String]) async throws -> Result {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.runWithSignalsUnblocked()
    async let text = read(output)
    async let complaints = read(errors)
    let (printed, complained) = (await text, await complaints)
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: printed, errors: complained)
  }

  private static func read(_ pipe: Pipe) async -> String {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(returning: String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
      }
    }
  }
}

extension IdentityProvider {
  /// Creates a user and returns the id.
  func create(_ email: String, givenName: String = "Ana") async throws -> String {
    let answer = try await send("POST", "/Users", body: Self.oktaUser(email, givenName: givenName))
    guard answer.status == 201, let id = answer.json["id"] as? String else {
      throw CommandRun.Failure(command: "POST /Users for \(email)", status: Int32(answer.status), output: answer.text)
    }
    return id
  }

  func deleteEveryone(named email: String) async throws {
    let found = try await find(userName: email)
    for user in found.json["Resources"] as? [[String: Any]] ?? [] {
      if let id = user["id"] as? String { _ = try await send("DELETE", "/Users/\(id)") }
    }
  }
}
