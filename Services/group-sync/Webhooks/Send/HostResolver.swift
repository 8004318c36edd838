import Foundation
import Glibc
import NIOPosix
import Primitives
import Synchronization

/// Resolves host names with the system's resolver, and caches the addresses for a short time.
///
/// The system's resolver blocks, so it runs on threads of its own. Several calls for one host share a query, so that a name server that does not
/// respond occupies one thread per host.
final class HostResolver: Sendable {
  /// Looks up the addresses of a host; blocks.
  typealias Lookup = @Sendable (_ host: String) throws -> [InternetAddress]

  private struct Entry {
    var addresses: [InternetAddress] = []
    var expires = ContinuousClock.now
    var isResolving = false
    var waiting: [Int: CheckedContinuation<[InternetAddress], any Error>] = [:]
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var nextWaiter = 0
  }

  private let state = Mutex(State())
  /// Started with the first query.
  private let pool = Mutex<NIOThreadPool?>(nil)
  private let threads: Int
  private let lookup: Lookup
  private let lifetime: Duration

  private static let maximumEntries = 2000

  /// - Parameters:
  ///   - threads: The maximum number of concurrent queries.
  ///   - lifetime: How long addresses are cached.
  init(threads: Int = 16, lifetime: Duration = .seconds(30), lookup: @escaping Lookup = HostResolver.systemLookup) {
    self.threads = threads
    self.lifetime = lifetime
    self.lookup = lookup
  }

  /// Ends the threads when their queries have ended. Nothing can be resolved afterwards.
  func shutDown() {
    let running = pool.withLock { pool in
      defer { pool = nil }
      return pool
    }
    running?.shutdownGracefully { _ in }
  }

  /// The addresses of a host, in the order of preference.
  ///
  /// - Throws: ``HostResolutionError``; `CancellationError` at once when the task is cancelled.
  func addresses(of host: String) async throws -> [InternetAddress] {
    let waiter = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (known, mustResolve) = state.withLock { state -> (Result<[InternetAddress], any Error>?, Bool) in
          // Checked under the lock, which the handler below acquires after the task was marked as cancelled.
          if Task.isCancelled { return (.failure(CancellationError()), false) }
          if state.entries.count > Self.maximumEntries {
            state.entries = state.entries.filter { $0.value.isResolving || $0.value.expires > .now }
          }
          var entry = state.entries[host] ?? Entry()
          if entry.expires > .now, !entry.addresses.isEmpty { return (.success(entry.addresses), false) }
          entry.waiting[waiter] = continuation
          let mustResolve = !entry.isResolving
          entry.isResolving = true
          state.entries[host] = entry
          return (nil, mustResolve)
        }
        if let known { continuation.resume(with: known) }
        if mustResolve { resolve(host) }
      }
    } onCancel: {
      let continuation = state.withLock { $0.entries[host]?.waiting.removeValue(forKey: waiter) }
      continuation?.resume(throwing: CancellationError())
    }
  }

  /// Makes the next call resolve the host again, because its address did not accept a connection.
  func forget(_ host: String) {
    state.withLock { $0.entries[host]?.expires = .now }
  }

  private func resolve(_ host: String) {
    let running = pool.withLock { pool in
      if let pool { return pool }
      let new = NIOThreadPool(numberOfThreads: threads)
      new.start()
      pool = new
      return new
    }
    running.submit { [self] status in
      let result = Result { () throws -> [InternetAddress] in
        guard case .active = status else { throw CancellationError() }
        return try lookup(host)
      }
      let waiting = state.withLock { state in
        let waiting = state.entries[host]?.waiting ?? [:]
        // A failure is not kept: the next attempt asks again.
        if case .success(let addresses) = result {
          state.entries[host] = Entry(addresses: addresses, expires: .now + lifetime)
        } else {
          state.entries[host] = nil
        }
        return waiting
      }
      for continuation in waiting.values { continuation.resume(with: result) }
    }
  }
}

extension HostResolver {
  /// Resolves a host with `getaddrinfo`.
  ///
  /// - Throws: ``HostResolutionError`` if it has no address.
  static let systemLookup: Lookup = { host in
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &list)
    guard code == 0 else { throw HostResolutionError(host: host, reason: String(cString: gai_strerror(code))) }
    defer { freeaddrinfo(list) }
    var addresses: [InternetAddress] = []
    var next = list
    while let info = next {
      if let address = address(info.pointee), !addresses.contains(address) { addresses.append(address) }
      next = info.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw HostResolutionError(host: host, reason: "it has no address") }
    return addresses
  }

  private static func address(_ info: addrinfo) -> InternetAddress? {
    guard let socketAddress = info.ai_addr else { return nil }
    switch info.ai_family {
    case AF_INET:
      return socketAddress.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin_addr) { InternetAddress(bytes: Array($0)) }
      }
    case AF_INET6:
      return socketAddress.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin6_addr) { InternetAddress(bytes: Array($0)) }
      }
    default: return nil
    }
  }
}

/// A host name that has no address.
struct HostResolutionError: Error, CustomStringConvertible {
  var host: String
  var reason: String
  var description: String { "the host name '\(host)' cannot be resolved: \(reason)" }
}
