import Glibc

/// An IP address as 4 or 16 bytes, which knows whether it is reachable from the Internet.
///
/// Requests to URLs that customers choose must not reach the deployment's own network (server-side request forgery).
public struct InternetAddress: Sendable, Hashable {
  /// The bytes, most significant first. An IPv4-mapped IPv6 address is stored as the IPv4 address.
  public let bytes: [UInt8]

  /// Creates an address from 4 or 16 bytes; `nil` for any other number.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes.starts(with: Self.mapped) ? Array(bytes.suffix(4)) : bytes
  }

  /// Parses an address: IPv6, and every form of IPv4 that resolvers accept (`127.0.0.1`, `127.1`, `0x7f000001`, `2130706433`).
  ///
  /// - Returns: `nil` if `text` is not an address, for example a host name.
  public init?(_ text: String) {
    var six = in6_addr()
    var four = in_addr()
    if inet_pton(AF_INET6, text, &six) == 1 {
      self.init(bytes: withUnsafeBytes(of: six) { Array($0) })
    } else if !text.contains(where: \.isWhitespace), inet_aton(text, &four) != 0 {
      self.init(bytes: withUnsafeBytes(of: four) { Array($0) })
    } else {
      return nil
    }
  }

  private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

  /// Whether the address is reachable from the Internet: not private, shared, loopback, link-local, multicast, reserved or for documentation
  /// (RFC 6890). An address that embeds an IPv4 address (NAT64, 6to4) is public if that one is.
  public var isPublic: Bool {
    bytes.count == 4 ? !Self.reservedIPv4.contains { $0.contains(bytes) } : isPublicIPv6
  }

  private var isPublicIPv6: Bool {
    if Self.nat64.contains(bytes) { return Self.isPublic(embedded: bytes.suffix(4)) }
    if Self.sixToFour.contains(bytes) { return Self.isPublic(embedded: bytes[2..<6]) }
    // Only 2000::/3 is assigned to hosts of the Internet (RFC 4291 §2.4).
    return Self.globalUnicast.contains(bytes) && !Self.reservedIPv6.contains { $0.contains(bytes) }
  }

  private static func isPublic(embedded bytes: ArraySlice<UInt8>) -> Bool { InternetAddress(bytes: Array(bytes))?.isPublic ?? false }

  /// The addresses that start with the first bits of `prefix`.
  private struct Network {
    var prefix: [UInt8]
    var bits: Int

    init(_ prefix: [UInt8], _ bits: Int) {
      self.prefix = prefix
      self.bits = bits
    }

    func contains(_ bytes: [UInt8]) -> Bool {
      let whole = bits / 8
      guard bytes.count >= prefix.count, bytes.prefix(whole).elementsEqual(prefix.prefix(whole)) else { return false }
      return bits % 8 == 0 || (bytes[whole] ^ prefix[whole]) >> (8 - bits % 8) == 0
    }
  }

  private static let reservedIPv4 = [
    Network([0], 8), Network([10], 8), Network([100, 64], 10), Network([127], 8), Network([169, 254], 16), Network([172, 16], 12),
    Network([192, 0, 0], 24), Network([192, 0, 2], 24), Network([192, 88, 99], 24), Network([192, 168], 16), Network([198, 18], 15),
    Network([198, 51, 100], 24), Network([203, 0, 113], 24), Network([224], 4), Network([240], 4),
  ]
  private static let nat64 = Network([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], 96)
  private static let sixToFour = Network([0x20, 0x02], 16)
  private static let globalUnicast = Network([0x20], 3)
  /// Teredo and other protocol assignments, and documentation.
  private static let reservedIPv6 = [
    Network([0x20, 0x01, 0x00], 23), Network([0x20, 0x01, 0x0D, 0xB8], 32), Network([0x3F, 0xFF, 0x00], 20),
  ]
}

extension InternetAddress: CustomStringConvertible {
  /// The canonical text form (RFC 5952).
  public var description: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.withUnsafeBytes({ inet_ntop(family, $0.baseAddress, &buffer, socklen_t(INET6_ADDRSTRLEN)) }) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
