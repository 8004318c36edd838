import Foundation
import Synchronization

/// Finds free TCP ports for servers.
public enum FreePort {
  /// A free TCP port of the loopback interface, below the kernel's range for outgoing connections, so that it is still free when a server
  /// restarts. No port is returned twice.
  ///
  /// - Throws: `POSIXError`.
  public static func find() throws -> Int {
    for _ in 0..<1000 {
      let port = UInt16.random(in: 10_000..<32_000)
      if try isFree(port), assigned.withLock({ $0.insert(port).inserted }) { return Int(port) }
    }
    throw POSIXError(.EADDRINUSE)
  }

  private static let assigned = Mutex<Set<UInt16>>([])

  /// Whether nothing listens on a port, and no process is bound to it.
  private static func isFree(_ port: UInt16) throws -> Bool {
    try withSocket(port) { bind($0, $1, $2) == 0 }
  }

  /// Whether a server accepts connections on a port. Unlike a test with `bind`, it does not take the port from a server that starts.
  static func isListening(_ port: Int) throws -> Bool {
    try withSocket(UInt16(port)) { connect($0, $1, $2) == 0 }
  }

  /// Calls `body` with a new TCP socket and the address of a port of the loopback interface.
  private static func withSocket(_ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool) throws -> Bool {
    #if canImport(Glibc)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, stream, 0)
    guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
