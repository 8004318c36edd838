import Foundation
import Logging
import Migrations
import Postgres
import Synchronization

/// A PostgreSQL server for tests: a new cluster in a temporary folder, on a free port of the loopback interface.
///
/// It can be killed and restarted on the same port and data, and have replicas. The process ends and the folder is removed with this object, or when the test
/// process dies.
public final class PostgresServer: Sendable {
  /// The port that it listens on.
  public let port: Int
  private let folder: URL
  /// The port of the primary, if this is a replica.
  private let primary: Int?
  private let process = Mutex<ServerProcess?>(nil)
  private let databases = Mutex(0)
  private let templates = Templates()

  /// Creates a cluster, starts it and returns when it accepts connections.
  ///
  /// - Throws: ``NotStarted``.
  public static func start() async throws -> PostgresServer {
    let server = try PostgresServer(port: FreePort.find())
    try await server.start()
    return server
  }

  /// Copies the server, and starts the copy as a streaming replica (hot standby). Tests pause it with `pg_wal_replay_pause()`.
  ///
  /// - Throws: ``NotStarted``.
  public func startReplica() async throws -> PostgresServer {
    let replica = try PostgresServer(port: FreePort.find(), primary: port)
    try await replica.start()
    return replica
  }

  private init(port: Int, primary: Int? = nil) throws {
    self.port = port
    self.primary = primary
    folder = try DataFolder.create(for: "postgres")
  }

  deinit {
    // Fails if the shell has already exited; nothing is left to end then.
    try? process.withLock { $0.take() }?.end(keepingData: false)
  }

  /// Restarts the server after ``kill()``, and returns when it accepts connections.
  ///
  /// - Throws: ``NotStarted``.
  public func start() async throws {
    try process.withLock { process in
      guard process == nil else { return }
      process = try ServerProcess(
        script: Self.script, arguments: [folder.path, String(port), primary.map(String.init) ?? ""], log: folder.appending(path: "log"))
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

  /// Kills the server's processes with SIGKILL, and returns when they have ended.
  public func kill() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    try process.end(keepingData: true)
    await process.ended()
  }

  /// The URL of a database.
  ///
  /// - Parameter role: The login role; by default the superuser.
  public func url(database: String = "postgres", role: String = "postgres") -> String {
    "postgres://\(role)@127.0.0.1:\(port)/\(database)"
  }

  /// Creates a database for a test and returns its name.
  ///
  /// - Parameter migrations: The migrations to apply. If there are any, the services' login roles exist too.
  /// - Throws: `PostgresError`; `MigrationError`.
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

  /// Creates the template for databases with these migrations, since a copy is much faster than the migrations. They run as the owner, who
  /// is no superuser.
  private func makeTemplate(of migrations: [Migration]) async throws -> String {
    let name = try await createDatabase()
    try await withPool(url()) { pool in
      _ = try await pool.query(Self.owner)
      _ = try await pool.query(Statement(once: "own database", "alter database \(name) owner to rollcall_owner"))
    }
    try await withPool(url(database: name, role: "rollcall_owner")) { pool in
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

  /// Creates the services' login roles if they do not exist. A database of the server must be migrated.
  ///
  /// - Throws: `PostgresError`.
  public func makeLogins() async throws {
    try await withPool(url()) { _ = try await $0.query(Self.logins) }
  }

  /// The time limit of statements and waits in tests. It is generous, since all tests run in parallel, possibly on a small machine.
  public static let testTimeout = Duration.seconds(300)

  /// The output of the server.
  public var log: String {
    (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
  }

  private func withPool(
    _ url: String, maximumWait: Duration = .seconds(60), _ body: (PostgresPool) async throws -> Void
  ) async throws {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url, connections: 1, statementTimeout: Self.testTimeout, applicationName: "test support", exclusiveConnections: 1,
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

  /// The role that runs the migrations, as `ops/local/database.sql` has it.
  private static let owner = Statement(
    "create owner",
    """
    do $$
    begin
      create role rollcall_owner login createrole;
    exception when duplicate_object or unique_violation then
      null;
    end
    $$
    """)

  /// The login roles as `ops/local/database.sql` has them.
  private static let logins = Statement(
    "create logins",
    """
    do $$
    declare
      login text[];
    begin
      -- A partly migrated database may lack these roles.
      begin
        create role rollcall_operator nologin;
      exception when duplicate_object or unique_violation then
        null;
      end;
      begin
        create role rollcall_feed nologin;
      exception when duplicate_object or unique_violation then
        null;
      end;
      foreach login slice 1 in array array[
        ['scim_api', 'rollcall_reader'], ['scim_api_feed', 'rollcall_feed'], ['scimctl', 'rollcall_reader, rollcall_operator, pg_read_all_stats'],
        ['identity_store', 'rollcall_store'],
        ['invitation_mailer', 'rollcall_mailer'], ['group_sync', 'rollcall_directory']
      ] loop
        -- Roles belong to the whole server, and another test may create them concurrently.
        begin
          execute format('create role %I login in role %s', login[1], login[2]);
        exception when duplicate_object or unique_violation then
          null;
        end;
      end loop;
    end
    $$
    """)

  /// The script of the server's process. PostgreSQL does not run as root, so it runs as the user `postgres`.
  private static let script = """
    folder=$0 port=$1 primary=$2
    as=()
    if [ "$(id -u)" = 0 ]; then
      as=(setpriv --reuid=postgres --regid=postgres --init-groups)
      chown postgres: "$folder"
    fi
    cd "$folder"
    for found in $(printf '%s\\n' /usr/lib/postgresql/*/bin | sort --version-sort); do programs=$found; done
    if [ -n "$primary" ] && [ ! -d "$folder/data" ]; then
      "${as[@]}" "$programs/pg_basebackup" --host=127.0.0.1 --port="$primary" --username=postgres --pgdata="$folder/data" \
        --write-recovery-conf --checkpoint=fast --no-sync || exit 1
    elif [ ! -d "$folder/data" ]; then
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
    # Orphaned children end by themselves; a new server can start on the data only after that.
    for child in $children; do while kill -0 "$child" 2> /dev/null; do sleep 0.02; done; done
    [ -n "$keep" ] || rm -rf "$folder"
    """

  /// The error for a server that did not start.
  public struct NotStarted: Error, CustomStringConvertible {
    /// The reason, with the server's output.
    public let reason: String

    /// The reason in a sentence.
    public var description: String { "the PostgreSQL server for the test did not start: \(reason)" }
  }
}

/// Template databases by their migrations, each created on first use.
private actor Templates {
  private var databases: [[Migration]: AsyncLazy<String>] = [:]

  func named(after migrations: [Migration], make: @escaping @Sendable () async throws -> String) async throws -> String {
    let name = databases[migrations] ?? AsyncLazy(make)
    databases[migrations] = name
    return try await name.value()
  }
}
