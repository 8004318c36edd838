import Foundation

/// A PgBouncer (Debian package `pgbouncer`) for tests, in front of a ``PostgresServer``, on a free port.
///
/// It ends with this object, or when the test process dies.
public final class PgBouncerServer: Sendable {
  /// How it gives server connections to clients.
  public enum Mode: String, Sendable {
    /// A client keeps its server connection until it disconnects.
    case session
    /// A client gets a server connection for one transaction.
    case transaction
  }

  /// The port that it listens on.
  public let port: Int
  private let folder: URL
  private let process: ChildProcess

  /// Starts PgBouncer and returns when it listens.
  ///
  /// - Throws: ``TimeoutError`` if it is not installed; an error of the file system.
  public init(_ mode: Mode, before server: PostgresServer) async throws {
    port = try FreePort.find()
    folder = URL(filePath: "/tmp").appending(path: "rollcall-pgbouncer-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // PgBouncer does not run as root, so its user writes the log.
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    let users = folder.appending(path: "users")
    try Data("\"postgres\" \"\"\n".utf8).write(to: users)
    let configuration = folder.appending(path: "pgbouncer.ini")
    let text = """
      [databases]
      * = host=127.0.0.1 port=\(server.port)

      [pgbouncer]
      listen_addr = 127.0.0.1
      listen_port = \(port)
      unix_socket_dir =
      auth_type = trust
      auth_file = \(users.path)
      pool_mode = \(mode.rawValue)
      logfile = \(folder.path)/log

      """
    try Data(text.utf8).write(to: configuration)
    let prefix = geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : ["/usr/bin/env"]
    process = try ChildProcess(
      guarded: prefix[0], Array(prefix.dropFirst()) + ["/usr/sbin/pgbouncer", "--quiet", configuration.path], removing: folder)
    let port = port
    try await eventually("PgBouncer (Debian package pgbouncer) to listen on port \(port)") {
      try FreePort.isListening(port)
    }
  }

  deinit {
    process.terminate()
    // Fails if the guardian has already removed the folder.
    try? FileManager.default.removeItem(at: folder)
  }

  /// The URL of a database behind it, with the superuser's role.
  public func url(database: String = "postgres") -> String { "postgres://postgres@127.0.0.1:\(port)/\(database)" }
}
