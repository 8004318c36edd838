import Foundation
import MailTemplates

/// One connection to the SMTP server, on a thread of its own: libcurl blocks while it talks.
///
/// It is opened by the first mail and kept open for those that follow.
final class SMTPConnection: Sendable {
  private let thread: SMTPThread

  init(_ server: SMTPServer, name: String) {
    thread = SMTPThread(server, name: name)
    thread.start()
  }

  /// Hands one mail over. Mails sent concurrently wait for each other. Takes no longer than the server's time-out.
  func send(_ letter: EmailMessage) async -> SMTPOutcome {
    await withCheckedContinuation { continuation in
      thread.enqueue(.send(letter, continuation))
    }
  }

  /// Says QUIT where there is a connection; the next mail opens another.
  func hangUp() async {
    await withCheckedContinuation { continuation in
      thread.enqueue(.hangUp(continuation))
    }
  }

  deinit {
    thread.enqueue(.end)
  }
}

/// The thread of a connection and the jobs that wait for it.
///
/// Unchecked: `jobs` is touched with `condition` locked, and the rest does not change.
private final class SMTPThread: @unchecked Sendable {
  enum Job: Sendable {
    case send(EmailMessage, CheckedContinuation<SMTPOutcome, Never>)
    case hangUp(CheckedContinuation<Void, Never>)
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
      case .send(let letter, let continuation):
        do {
          let open = try handle ?? CurlHandle(server)
          handle = open
          continuation.resume(returning: open.send(letter))
        } catch {
          continuation.resume(returning: .unreachable(reason: "libcurl: \(error)"))
        }
      case .hangUp(let continuation):
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
