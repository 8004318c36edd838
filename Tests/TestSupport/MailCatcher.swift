import Foundation

/// An SMTP server for tests: `ops/local/mail-catcher.py` on a free port, which stores mail in a Maildir in a temporary folder.
///
/// It ends with ``stop()``, with this object, or when the test process dies.
public final class MailCatcher: Sendable {
  /// The port that it listens on.
  public let port: Int
  /// The folder of the Maildir and the faults; removed with this object.
  public let folder: URL
  private let process: ChildProcess
  private let ownsFolder: Bool

  /// The options of a mail catcher.
  public struct Options: Sendable {
    /// The port; 0 for a free one.
    public var port = 0
    /// `none`, `starttls`, `required` or `implicit`; TLS uses a new self-signed certificate for 127.0.0.1.
    public var tls = "none"
    /// `name:password` of the only user who may send; nil to accept mail without authentication.
    public var user: String?
    /// The folder of a stopped catcher to continue with; nil for a new one.
    public var folder: URL?

    /// Creates options; by default a plain server without authentication.
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
      throw Failure(description: "unexpected output of the mail catcher: \(line)")
    }
    self.port = port
  }

  deinit {
    process.terminate()
    if ownsFolder { try? FileManager.default.removeItem(at: folder) }
  }

  /// The SMTP URL.
  public var url: String { "smtp://127.0.0.1:\(port)" }

  /// The path of its certificate, for clients to trust.
  public var certificate: String { folder.appending(path: "certificate.pem").path }

  /// Stops it gracefully and waits until it has ended. Connections break; every stored mail has been acknowledged.
  public func stop() async {
    process.terminate(by: SIGTERM)
    await process.exit()
  }

  /// Sets the faults to inject, as JSON (see `mail-catcher.py`); empty for none.
  ///
  /// - Throws: The error of writing the file.
  public func setFaults(_ json: String) throws {
    try Data(json.utf8).write(to: folder.appending(path: "faults.json"), options: .atomic)
  }

  /// The number of mails in the Maildir.
  public func count() throws -> Int { try files().count }

  /// The mails in the Maildir, oldest first, parsed by Python's `email` package.
  ///
  /// - Throws: ``Failure``; `DecodingError`.
  public func mails() async throws -> [ReceivedEmail] {
    let files = try files()
    guard !files.isEmpty else { return [] }
    let json = try await ChildProcess.output(Self.python, ["-c", ReceivedEmail.reader] + files)
    return try JSONDecoder().decode([ReceivedEmail].self, from: json)
  }

  private func files() throws -> [String] {
    let new = folder.appending(path: "Maildir/new")
    guard FileManager.default.fileExists(atPath: new.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: new.path).sorted().map { new.appending(path: $0).path }
  }

  /// The path of a Python that has aiosmtpd, and the packages of the sample product.
  package static var python: String {
    ProcessInfo.processInfo.environment["ROLLCALL_PYTHON"] ?? root.appending(path: ".local/venv/bin/python").path
  }

  /// The folder of the repository.
  package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func makeCertificate(_ certificate: URL, key: URL) async throws {
    guard !FileManager.default.fileExists(atPath: certificate.path) else { return }
    _ = try await ChildProcess.output(
      "/usr/bin/env",
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key.path, "-out", certificate.path,
      ])
  }

  /// The error for a mail server or command that failed.
  public struct Failure: Error, CustomStringConvertible {
    /// What failed.
    public let description: String
  }
}
