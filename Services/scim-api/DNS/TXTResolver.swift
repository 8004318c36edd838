import Dispatch
import Synchronization

/// Looks up TXT records (RFC 1035 §3.3.14).
package struct TXTResolver: Sendable {
  /// The name servers as a comma-separated list of addresses with optional ports, such as `192.0.2.53,[2001:db8::53]:5353`; `nil`: those of
  /// the system.
  private let servers: String?
  /// The maximum time of a look-up.
  private let timeout: Duration
  private let running = Lookups()

  /// The most concurrent look-ups, each of which has a thread.
  package static let maximumLookups = 16
  private static let queue = DispatchQueue(label: "DNS", qos: .utility, attributes: .concurrent)

  /// A resolver that asks `servers`.
  ///
  /// - Throws: ``DNSError/servers(_:)`` if the list is malformed.
  package init(servers: String? = nil, timeout: Duration = .seconds(5)) throws {
    self.servers = servers
    self.timeout = timeout
    _ = try AresChannel(servers: servers, timeout: timeout)
  }

  /// The texts of the TXT records of a name, in the order of the response; empty if there are none. The strings of a record are joined.
  ///
  /// - Throws: ``DNSError`` if no server has given an answer in time, or too many look-ups are running.
  package func records(of name: String) async throws -> [String] {
    guard running.begin(atMost: Self.maximumLookups) else { throw DNSError.busy }
    defer { running.end() }
    let (servers, timeout) = (servers, timeout)
    return try await withCheckedThrowingContinuation { continuation in
      Self.queue.async {
        continuation.resume(with: Result { try AresChannel(servers: servers, timeout: timeout).records(of: name, within: timeout) })
      }
    }
  }
}

/// The number of running look-ups.
private final class Lookups: Sendable {
  private let count = Mutex(0)

  func begin(atMost maximum: Int) -> Bool {
    count.withLock { count in
      guard count < maximum else { return false }
      count += 1
      return true
    }
  }

  func end() { count.withLock { $0 -= 1 } }
}

/// The error for a look-up without an answer.
package enum DNSError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The list of servers is malformed.
  case servers(String)
  /// No server has answered in time.
  case timeout
  /// The servers have answered with an error, or cannot be reached.
  case failed(String)
  /// Too many look-ups are running.
  case busy

  /// What went wrong, as a clause.
  package var description: String {
    switch self {
    case .servers(let list): "'\(list.prefix(200))' is not a list of name servers such as 192.0.2.53,[2001:db8::53]:5353"
    case .timeout: "no name server answered in time"
    case .failed(let reason): "the name server cannot answer: \(reason)"
    case .busy: "too many DNS look-ups are running"
    }
  }
}
