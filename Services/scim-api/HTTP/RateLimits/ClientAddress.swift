import NIOCore

/// Where a request comes from, as strangers are told apart by: an address of IPv4, or the network of 64 bits that one customer of a
/// provider has of IPv6.
package struct ClientAddress: Sendable, Hashable {
  private let text: String

  /// - Parameter address: of the client, as ``OriginRule`` finds it; nil where it has none.
  package init(_ address: String?) {
    guard let address, case .v6(let parsed)? = try? SocketAddress(ipAddress: address, port: 0) else {
      text = address ?? ""
      return
    }
    var bytes = parsed.address.sin6_addr
    text = withUnsafeBytes(of: &bytes) { bytes in bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") }
  }
}
