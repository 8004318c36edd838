import Foundation
import Kafka
import Logging
import Migrations
import Models
import Outbox
import Postgres
import SCIM
import TestSupport

@testable import IdentityStore

/// A database with the tables of identity-store and one workspace.
struct StoreDatabase: Sendable {
  let url: String
  let workspace = Fixture.workspace

  private static let nameHash = NameHash(key: "test")

  static func start(migrations: [Migration] = SchemaMigrations.identity) async throws -> StoreDatabase {
    let server = try await PostgresServer.shared()
    let database = StoreDatabase(url: server.url(database: try await server.createDatabase(migrations: migrations)))
    let process = database.process()
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
    _ = try await process.execute([database.command(.createWorkspace(settings), on: database.workspace.resource)])
    return database
  }

  /// The database pool and transaction of one identity-store process.
  struct StoreProcess: Sendable {
    let pool: PostgresPool
    let transaction: BatchTransaction

    /// Processes the commands as one batch, in several transactions if decisions take long.
    func execute(_ commands: [Command]) async throws -> [Reply] {
      var read = commands.map(ParsedCommand.init)[...]
      var replies: [Reply] = []
      while !read.isEmpty {
        let answered = try await transaction.run(Array(read), writeSet: WriteSet(of: read)) {}
        replies += answered
        read = read.dropFirst(answered.count)
      }
      return replies
    }
  }

  func process(
    bound: Duration = PostgresServer.testTimeout, statementTimeout: Duration = PostgresServer.testTimeout
  ) -> StoreProcess {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url, connections: 1, statementTimeout: statementTimeout, applicationName: "IdentityStoreTests",
        maximumWait: PostgresServer.testTimeout, planning: .onceByIndex),
      logger: quiet)
    return StoreProcess(
      pool: pool,
      transaction: BatchTransaction(
        pool: pool, writer: ChangeWriter(nameHash: Self.nameHash, source: "identity-store/test"), nameHash: Self.nameHash, timeLimit: bound)
    )
  }

  func command(_ operation: Command.Operation, on resource: ResourceID = .made(at: Date()), deadline: Date? = nil) -> Command {
    Command(
      id: .made(at: Date()), workspace: workspace, resource: resource, actor: .service("test"), issuedAt: Date(), deadline: deadline,
      operation: operation)
  }

  func createUser(_ name: String, on resource: ResourceID = .made(at: Date()), deadline: Date? = nil) -> Command {
    command(.createUser(document: Fixture.user(#"{"userName":"\#(name)"}"#)), on: resource, deadline: deadline)
  }

  /// The first column of the first row.
  func text(_ sql: String) async throws -> String {
    let pool = process().pool
    let text = try await pool.query(Statement(once: "text", sql)).first?.string(0) ?? ""
    await pool.close()
    return text
  }

  /// The first column of the first row.
  func count(_ sql: String) async throws -> Int {
    let pool = process().pool
    let count = try await pool.query(Statement(once: "count", sql)).first?.int(0) ?? -1
    await pool.close()
    return count
  }
}

extension DeadLetters {
  /// The dead letters of a consumer in the test database.
  init(_ consumer: String, _ producer: Producer, in store: StoreDatabase) {
    self.init(
      consumer: consumer, producer: producer, table: DeadLetterTable("identity.dead_letters", pool: store.process().pool), logger: quiet)
  }
}

/// A logger that discards everything.
let quiet = Logger(label: "identity-store", factory: { _ in SwiftLogNoOpLogHandler() })
