import Foundation
import Logging
import Migrations
import Postgres
import Synchronization

/// A PostgreSQL server of a test's own: a new cluster in a temporary folder, on a free port of the loopback interface.
///
/// It can be killed and started again on the same port and data. Its process ends, and its folder goes, with this object; it ends as
/// well where the process that runs the tests dies.
public final class PostgresServer: Sendable {
  public let port: Int
  private let folder: URL
  private let process = Mutex<ServerProcess?>(nil)
  private let databases = Mutex(0)
  private let templates = Templates()

  /// Makes a cluster, starts it and returns when it takes connections.
  public static func start() async throws -> PostgresServer {
    let server = try PostgresServer(port: FreePort.find())
    try await server.start()
    return server
  }

  private init(port: Int) throws {
    self.port = port
    folder = URL(filePath: "/tmp/rollcall-postgres-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    // Where the shell is gone already, there is nobody to tell.
    try? process.withLock { $0.take() }?.end(keepingData: false)
  }

  /// Starts the server again after ``kill()``, and returns when it takes connections.
  public func start() async throws {
    try process.withLock { process in
      guard process == nil else { return }
      process = try ServerProcess(
        script: Self.script, arguments: [folder.path, String(port)], log: folder.appending(path: "log"))
    }
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      do {
        return try await withPool(url(), maximumWait: .seconds(5)) { try await $0.check() }
      } catch {
        guard .now < deadline, process.withLock({ $0?.isRunning ?? false }) else {
          throw NotStarted(reason: "\(error)\n\(log)")
        }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Ends the server's processes as `kill -9` does, and returns when they are gone.
  public func kill() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    try process.end(keepingData: true)
    await process.ended()
  }

  /// Where a database is.
  ///
  /// - Parameter role: Who logs in; the superuser unless said otherwise.
  public func url(database: String = "postgres", role: String = "postgres") -> String {
    "postgres://\(role)@127.0.0.1:\(port)/\(database)"
  }

  /// Makes a database of its own for a test and returns its name.
  ///
  /// - Parameter migrations: What it has from the start. With any, the roles that the services log in as are there too.
  public func createDatabase(migrations: [Migration] = []) async throws -> String {
    let name = databases.withLock { count in
      count += 1
      return "test_\(count)"
    }
    let template =
      try await migrations.isEmpty ? "template1" : templates.named(after: migrations) { try await self.makeTemplate(of: migrations) }
    try await create(name, from: template)
    return name
  }

  /// Makes the database that those with the same migrations are copies of: a copy takes a fraction of the time that migrations take.
  private func makeTemplate(of migrations: [Migration]) async throws -> String {
    let name = try await createDatabase()
    try await withPool(url(database: name)) { pool in
      _ = try await Migrator.apply(migrations, on: pool, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
    try await makeLogins()
    return name
  }

  private func create(_ name: String, from template: String) async throws {
    try await withPool(url()) { pool in
      _ = try await pool.query(Statement(once: "create database", "create database \(name) template \(template)"))
    }
  }

  /// Makes the roles that the services log in as, where they are not there. A database of the server has to be migrated.
  public func makeLogins() async throws {
    try await withPool(url()) { _ = try await $0.query(Self.logins) }
  }

  /// How long a test waits for a statement. All tests of the package run side by side, so that on a small machine one that takes
  /// milliseconds by itself may well take many seconds.
  public static let patience = Duration.seconds(300)

  /// Everything that the server has printed.
  public var log: String {
    (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
  }

  private func withPool(
    _ url: String, maximumWait: Duration = .seconds(60), _ body: (PostgresPool) async throws -> Void
  ) async throws {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url, connections: 1, statementTimeout: Self.patience, applicationName: "test support", exclusiveConnections: 1,
        maximumWait: maximumWait),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    do {
      try await body(pool)
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }

  /// The login roles as `ops/local/database.sql` has them.
  private static let logins = Statement(
    "create logins",
    """
    do $$
    declare
      login text[];
    begin
      -- A database that was migrated in part has not all of them yet.
      begin
        create role rollcall_operator nologin;
      exception when duplicate_object or unique_violation then
        null;
      end;
      foreach login slice 1 in array array[
        ['scim_api', 'rollcall_reader'], ['scimctl', 'rollcall_reader, rollcall_operator'], ['identity_store', 'rollcall_store'],
        ['invitation_mailer', 'rollcall_mailer'], ['group_sync', 'rollcall_directory']
      ] loop
        -- Roles belong to the whole server, and another test may just be making them.
        begin
          execute format('create role %I login in role %s', login[1], login[2]);
        exception when duplicate_object or unique_violation then
          null;
        end;
      end loop;
    end
    $$
    """)

  /// The server refuses to run as root, so it runs as the user that its package made.
  private static let script = """
    folder=$0 port=$1
    as=()
    if [ "$(id -u)" = 0 ]; then
      as=(setpriv --reuid=postgres --regid=postgres --init-groups)
      chown postgres: "$folder"
    fi
    cd "$folder"
    for found in $(printf '%s\\n' /usr/lib/postgresql/*/bin | sort --version-sort); do programs=$found; done
    if [ ! -d "$folder/data" ]; then
      "${as[@]}" "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --no-sync > /dev/null || exit 1
    fi
    "${as[@]}" "$programs/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
      -c max_connections=200 -c fsync=off < /dev/null &
    server=$!
    read -r _ && keep=yes || keep=
    children=$(ps -o pid= --ppid "$server")
    kill -9 "$server" $children
    wait
    # Without their parent they end by themselves, and only then can a new server start on the data.
    for child in $children; do while kill -0 "$child" 2> /dev/null; do sleep 0.02; done; done
    [ -n "$keep" ] || rm -rf "$folder"
    """

  /// Why a server for a test could not be started.
  public struct NotStarted: Error, CustomStringConvertible {
    public let reason: String

    public var description: String { "the PostgreSQL server for the test did not start: \(reason)" }
  }
}

/// Databases to make copies of, each made by the first who asks for one with its migrations.
private actor Templates {
  private var made: [[Migration]: MadeOnce<String>] = [:]

  func named(after migrations: [Migration], make: @escaping @Sendable () async throws -> String) async throws -> String {
    let one = made[migrations] ?? MadeOnce(make)
    made[migrations] = one
    return try await one.value()
  }
}
