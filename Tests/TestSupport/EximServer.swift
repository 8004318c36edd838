import Foundation

/// An Exim mail server for tests, with STARTTLS and authentication, on a free port.
///
/// It accepts mail from the user `rollcall` with the password `s3cret`, for every recipient but `nobody@…`, and delivers it to a Maildir.
/// It ends with this object, or when the test process dies.
public final class EximServer: Sendable {
  /// The port that it listens on.
  public let port: Int
  private let folder: URL
  private let process: ChildProcess

  /// Starts a server and returns when it listens.
  ///
  /// - Parameter isInternational: Whether it offers SMTPUTF8 (RFC 6531).
  /// - Throws: ``MailCatcher/Failure``; ``TimeoutError`` if Exim is not installed.
  public init(isInternational: Bool = true) async throws {
    port = try FreePort.find()
    // A folder that Exim's user can access.
    folder = URL(filePath: "/tmp").appending(path: "rollcall-exim-\(UUID())")
    for name in ["spool", "log", "Maildir"] {
      let path = folder.appending(path: name)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
      try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path.path)
    }
    let key = folder.appending(path: "key.pem")
    try await MailCatcher.makeCertificate(folder.appending(path: "certificate.pem"), key: key)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key.path)
    let configuration = folder.appending(path: "exim.conf")
    try Data(Self.configuration(folder.path, port: port, isInternational: isInternational).utf8).write(to: configuration)
    let user = "Debian-exim"
    let prefix =
      geteuid() == 0
      ? ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"] : ["/usr/bin/env", "sudo", "-n", "-u", user]
    process = try ChildProcess(
      guarded: prefix[0], Array(prefix.dropFirst()) + ["/usr/sbin/exim4", "-C", configuration.path, "-bdf"], removing: folder)
    let port = port
    try await eventually("Exim (Debian package exim4-daemon-light) to listen on port \(port)") {
      try FreePort.isListening(port)
    }
  }

  deinit {
    process.terminate()
    try? FileManager.default.removeItem(at: folder)
  }

  /// The SMTP URL.
  public var url: String { "smtp://127.0.0.1:\(port)" }

  /// The path of its certificate, for clients to trust.
  public var certificate: String { folder.appending(path: "certificate.pem").path }

  /// Exim's main log.
  public var log: String { (try? String(contentsOf: folder.appending(path: "log/mainlog"), encoding: .utf8)) ?? "" }

  /// The delivered mails, oldest first, parsed by Python's `email` package.
  ///
  /// - Throws: ``MailCatcher/Failure``; `DecodingError`.
  public func mails() async throws -> [ReceivedEmail] {
    let new = folder.appending(path: "Maildir/new")
    guard FileManager.default.fileExists(atPath: new.path) else { return [] }
    let files = try FileManager.default.contentsOfDirectory(atPath: new.path).sorted().map { new.appending(path: $0).path }
    guard !files.isEmpty else { return [] }
    return try JSONDecoder().decode(
      [ReceivedEmail].self, from: try await ChildProcess.output(MailCatcher.python, ["-c", ReceivedEmail.reader] + files))
  }

  private static func configuration(_ folder: String, port: Int, isInternational: Bool) -> String {
    """
    primary_hostname = mail.example
    daemon_smtp_ports = \(port)
    local_interfaces = 127.0.0.1
    spool_directory = \(folder)/spool
    log_file_path = \(folder)/log/%slog
    pid_file_path = \(folder)/spool/exim.pid
    tls_advertise_hosts = *
    tls_certificate = \(folder)/certificate.pem
    tls_privatekey = \(folder)/key.pem
    auth_advertise_hosts = ${if def:tls_in_cipher {*}{}}
    smtputf8_advertise_hosts = \(isInternational ? "*" : "")
    deliver_drop_privilege = true
    smtp_accept_max = 50
    keep_environment =
    add_environment = PATH=/usr/bin
    acl_smtp_rcpt = recipients

    begin acl
    recipients:
      deny message = Authentication required
           !authenticated = *
      deny local_parts = nobody
           message = 5.1.1 No such user here
      accept

    begin routers
    everybody:
      driver = accept
      transport = maildir

    begin transports
    maildir:
      driver = appendfile
      directory = \(folder)/Maildir
      maildir_format
      mode = 0644
      directory_mode = 0755
      envelope_to_add
      user = Debian-exim

    begin authenticators
    plain:
      driver = plaintext
      public_name = PLAIN
      server_prompts = :
      server_condition = ${if and{{eq{$auth2}{rollcall}}{eq{$auth3}{s3cret}}}}
      server_set_id = $auth2
    login:
      driver = plaintext
      public_name = LOGIN
      server_prompts = Username:: : Password::
      server_condition = ${if and{{eq{$auth1}{rollcall}}{eq{$auth2}{s3cret}}}}
      server_set_id = $auth1

    """
  }
}
