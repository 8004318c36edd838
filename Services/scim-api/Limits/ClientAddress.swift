import HTTPTypes
import NIOCore

/// Where a request comes from, as strangers are told apart by: an address of IPv4, or the network of 64 bits that one customer of a
/// provider has of IPv6.
struct ClientAddress: Sendable, Hashable {
  private let text: String

  /// - Parameters:
  ///   - peer: the other end of the connection.
  ///   - forwarded: `X-Forwarded-For`, where a proxy in front is trusted; its last address is the one that the proxy saw.
  init(peer: String?, forwarded: String? = nil) {
    let last = forwarded.flatMap { $0.split(separator: ",").last }.map { $0.trimming(" ") }
    text = Self.network(of: last.flatMap { Self.address($0) } ?? peer ?? "")
  }

  private static func address(_ text: Substring) -> String? {
    let address = String(text)
    return (try? SocketAddress(ipAddress: address, port: 0)) == nil ? nil : address
  }

  private static func network(of address: String) -> String {
    guard case .v6(let parsed)? = try? SocketAddress(ipAddress: address, port: 0) else { return address }
    var bytes = parsed.address.sin6_addr
    return withUnsafeBytes(of: &bytes) { bytes in bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") }
  }
}

extension Substring {
  fileprivate func trimming(_ character: Character) -> Substring {
    var rest = drop { $0 == character }
    while rest.last == character { rest.removeLast() }
    return rest
  }
}

extension HTTPField.Name {
  static let forwardedFor = HTTPField.Name("X-Forwarded-For")
}
