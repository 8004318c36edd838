import NIOCore

/// The key by which unauthenticated clients are limited: an IPv4 address, or the /64 network of an IPv6 address, since providers assign
/// a whole /64 to one customer.
package struct ClientAddress: Sendable, Hashable {
  private let text: String

  /// - Parameter address: the client's IP address as determined by ``OriginRule``; nil if it has none.
  package init(_ address: String?) {
    guard let address, case .v6(let parsed)? = try? SocketAddress(ipAddress: address, port: 0) else {
      text = address ?? ""
      return
    }
    var bytes = parsed.address.sin6_addr
    text = withUnsafeBytes(of: &bytes) { bytes in bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") }
  }
}
