import Foundation
import MailTemplates

/// A persistent connection to the SMTP server, on its own thread because libcurl blocks.
///
/// Connections do not share a multi handle of libcurl: even there, libcurl blocks until the server replies to the content of a mail
/// (`smtp_done`), so a slow reply would delay the mails of all connections.
///
/// The first mail opens the connection; further mails reuse it.
final class SMTPConnection: Sendable {
  private let thread: SMTPThread

  init(_ server: SMTPServer, name: String) {
    thread = SMTPThread(server, name: name)
    thread.start()
  }

  /// Sends a mail. Concurrent calls wait for each other. Takes no longer than ``SMTPServer/timeout``.
  func send(_ message: EmailMessage) async -> SMTPOutcome {
    await withCheckedContinuation { continuation in
      thread.enqueue(.send(message, continuation))
    }
  }

  /// Closes the connection with QUIT; the next mail opens another.
  func close() async {
    await withCheckedContinuation { continuation in
      thread.enqueue(.close(continuation))
    }
  }

  deinit {
    thread.enqueue(.end)
  }
}

/// The thread of a connection, and its job queue.
///
/// `@unchecked Sendable` is safe because `jobs` is only accessed while `condition` is locked, and everything else is constant.
private final class SMTPThread: @unchecked Sendable {
  enum Job: Sendable {
    case send(EmailMessage, CheckedContinuation<SMTPOutcome, Never>)
    case close(CheckedContinuation<Void, Never>)
    case end
  }

  private let server: SMTPServer
  private let name: String
  private let condition = NSCondition()
  private var jobs: [Job] = []

  init(_ server: SMTPServer, name: String) {
    self.server = server
    self.name = name
  }

  func start() {
    let thread = Thread { [self] in run() }
    thread.name = name
    thread.start()
  }

  func enqueue(_ job: Job) {
    condition.withLock { jobs.append(job) }
    condition.signal()
  }

  private func run() {
    var handle: CurlHandle?
    while true {
      switch nextJob() {
      case .send(let message, let continuation):
        do {
          let open = try handle ?? CurlHandle(server)
          handle = open
          continuation.resume(returning: open.send(message))
        } catch {
          continuation.resume(returning: .unreachable(reason: "libcurl: \(error)"))
        }
      case .close(let continuation):
        handle = nil
        continuation.resume()
      case .end:
        return
      }
    }
  }

  private func nextJob() -> Job {
    condition.withLock {
      while jobs.isEmpty { condition.wait() }
      return jobs.removeFirst()
    }
  }
}
