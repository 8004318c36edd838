import Glibc

/// An IP address, as 4 or 16 bytes. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is stored as the IPv4 address.
struct IPAddress: Sendable, Hashable {
  let bytes: [UInt8]

  /// Parses an address in its text form; nil if it is malformed.
  init?(_ text: some StringProtocol) {
    let text = String(text)
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: four) { Array($0) }
      return
    }
    var sixteen = in6_addr()
    guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
    let all = withUnsafeBytes(of: sixteen) { Array($0) }
    let isMapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
    bytes = isMapped ? Array(all.suffix(4)) : all
  }

  /// Parses an entry of `X-Forwarded-For`, which may have a port.
  init?(forwarded text: some StringProtocol) {
    let text = text.drop { $0 == " " }.prefix { $0 != " " }
    if text.first == "[" {
      self.init(text.dropFirst().prefix { $0 != "]" })
    } else if text.count(where: { $0 == ":" }) == 1 {
      self.init(text.prefix { $0 != ":" })
    } else {
      self.init(text)
    }
  }

  /// The canonical text form (RFC 5952).
  var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.withUnsafeBytes({ inet_ntop(family, $0.baseAddress, &buffer, socklen_t(INET6_ADDRSTRLEN)) }) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A range of IP addresses in CIDR notation (`10.0.0.0/8`, `fd00::/8`), or a single address.
package struct AddressRange: Sendable, Hashable {
  private let prefix: [UInt8]
  private let bits: Int

  /// Parses a range; nil if `text` is malformed.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
    let width = address.bytes.count * 8
    guard let bits = parts.count == 2 ? Int(parts[1]) : width, (0...width).contains(bits) else { return nil }
    prefix = address.bytes
    self.bits = bits
  }

  func contains(_ address: IPAddress) -> Bool {
    guard address.bytes.count == prefix.count else { return false }
    let fullBytes = bits / 8
    guard address.bytes.prefix(fullBytes).elementsEqual(prefix.prefix(fullBytes)) else { return false }
    let remainingBits = bits % 8
    return remainingBits == 0 || (address.bytes[fullBytes] ^ prefix[fullBytes]) >> (8 - remainingBits) == 0
  }
}
