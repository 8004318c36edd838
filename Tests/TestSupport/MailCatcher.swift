import Foundation

/// An SMTP server of its own for a test: `ops/local/mail-catcher.py` on a free port, storing to a Maildir in a temporary folder.
///
/// It ends with ``stop()``, with the object, or with the process that runs the tests.
public final class MailCatcher: Sendable {
  public let port: Int
  /// Holds the Maildir and the file of faults; removed with the object.
  public let folder: URL
  private let process: ChildProcess
  private let ownsFolder: Bool

  public struct Options: Sendable {
    /// 0: a free one.
    public var port = 0
    /// `none`, `starttls`, `required` or `implicit`; all but the first with a certificate for 127.0.0.1 made for the occasion.
    public var tls = "none"
    /// `name:password` of the one user who may send.
    public var user: String?
    /// The folder of a catcher that has ended, to go on with.
    public var folder: URL?

    public init(port: Int = 0, tls: String = "none", user: String? = nil, folder: URL? = nil) {
      self.port = port
      self.tls = tls
      self.user = user
      self.folder = folder
    }
  }

  /// Starts a catcher and returns when it listens.
  public init(_ options: Options = Options()) async throws {
    ownsFolder = options.folder == nil
    folder = options.folder ?? FileManager.default.temporaryDirectory.appending(path: "rollcall-mail-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var arguments = [Self.root.appending(path: "ops/local/mail-catcher.py").path, "--faults", folder.appending(path: "faults.json").path]
    arguments += ["--tls", options.tls]
    if options.tls != "none" {
      let certificate = folder.appending(path: "certificate.pem")
      let key = folder.appending(path: "key.pem")
      try await Self.makeCertificate(certificate, key: key)
      arguments += ["--certificate", certificate.path, "--key", key.path]
    }
    if let user = options.user { arguments += ["--user", user] }
    arguments += [String(options.port), folder.appending(path: "Maildir").path]
    process = try ChildProcess(guarded: Self.python, arguments, removing: ownsFolder ? folder : nil)
    let line = try await process.firstLine()
    guard let number = line.split(separator: ":").last, let port = Int(number) else {
      throw Failure(description: "mail catcher said: \(line)")
    }
    self.port = port
  }

  deinit {
    process.terminate()
    if ownsFolder { try? FileManager.default.removeItem(at: folder) }
  }

  public var url: String { "smtp://127.0.0.1:\(port)" }

  /// The certificate it shows, for clients to trust.
  public var certificate: String { folder.appending(path: "certificate.pem").path }

  /// Ends it in order and waits until it has: what it has kept it has answered. Connections break.
  public func stop() async {
    process.terminate(by: SIGTERM)
    await process.exit()
  }

  /// What goes wrong from now on: JSON as described in `mail-catcher.py`; empty for nothing.
  public func setFaults(_ json: String) throws {
    try Data(json.utf8).write(to: folder.appending(path: "faults.json"), options: .atomic)
  }

  /// The number of mails in the Maildir.
  public func count() throws -> Int { try files().count }

  /// The mails in the Maildir, oldest first, read by Python's `email` package.
  public func mails() async throws -> [CaughtMail] {
    let files = try files()
    guard !files.isEmpty else { return [] }
    let json = try await ChildProcess.output(Self.python, ["-c", CaughtMail.reader] + files)
    return try JSONDecoder().decode([CaughtMail].self, from: json)
  }

  private func files() throws -> [String] {
    let new = folder.appending(path: "Maildir/new")
    guard FileManager.default.fileExists(atPath: new.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: new.path).sorted().map { new.appending(path: $0).path }
  }

  /// A Python that has aiosmtpd.
  static var python: String {
    ProcessInfo.processInfo.environment["ROLLCALL_PYTHON"] ?? root.appending(path: ".local/venv/bin/python").path
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func makeCertificate(_ certificate: URL, key: URL) async throws {
    guard !FileManager.default.fileExists(atPath: certificate.path) else { return }
    _ = try await ChildProcess.output(
      "/usr/bin/env",
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key.path, "-out", certificate.path,
      ])
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }
}
