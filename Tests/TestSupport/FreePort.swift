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

  static func isFree(_ port: UInt16) throws -> Bool {
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
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
