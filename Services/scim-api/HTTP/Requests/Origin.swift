import HTTPTypes
import Models

/// The peer of a connection: a client or a proxy. Its address is parsed once per connection.
package final class Peer: Sendable {
  /// The IP address as the socket reports it; nil if the connection has none.
  package let text: String?
  /// The IP address in its canonical text form, or else ``text``.
  let canonicalText: String?
  /// The address; nil if the connection has none, or if it is not an IP address.
  let address: IPAddress?

  /// - Parameter text: the IP address; nil if the connection has none.
  package init(_ text: String?) {
    self.text = text
    address = text.flatMap { IPAddress($0) }
    canonicalText = address?.text ?? text
  }
}

/// The scheme and authority that a client called, and the client's address.
package struct Origin: Sendable, Hashable {
  /// The scheme of the client's request: `https` or `http`.
  package var scheme: String
  /// The host that the client called, with the port if it sent one, in lower case.
  package var authority: String
  /// The client's IP address; nil if the connection has none.
  package var address: String?

  /// The host that was called, without a port.
  package var host: String { Self.host(of: authority) }

  /// The host of an authority, without a port.
  package static func host(of authority: String) -> String {
    let bytes = authority.utf8
    if bytes.first == UInt8(ascii: "[") { return String(authority.prefix { $0 != "]" }) + "]" }
    let host = bytes.prefix { $0 != UInt8(ascii: ":") }
    return String(Substring(host.last == UInt8(ascii: ".") ? host.dropLast() : host))
  }
}

/// Determines the origin of a request, from its own headers and from the `X-Forwarded-…` headers of trusted proxies.
package struct OriginRule: Sendable {
  /// The proxies whose `X-Forwarded-…` headers are used. Those of other peers are ignored, since clients can forge them.
  package var trustedProxies: [AddressRange] = []
  /// Whether this server terminates TLS.
  package var speaksTLS = false

  /// A rule that trusts `trustedProxies`.
  ///
  /// - Parameter speaksTLS: whether this server terminates TLS.
  package init(trustedProxies: [AddressRange] = [], speaksTLS: Bool = false) {
    self.trustedProxies = trustedProxies
    self.speaksTLS = speaksTLS
  }

  /// The client's address. Unlike ``origin(of:peer:)``, it does not need a valid host.
  ///
  /// - Parameter peer: the peer of the connection.
  func clientAddress(of request: HTTPRequest, peer: Peer) -> String? {
    guard isTrusted(peer: peer), let name = Self.forwardedFor, let chain = request.headerFields[name] else { return peer.canonicalText }
    return client(in: chain)?.text ?? peer.canonicalText
  }

  /// The origin of a request.
  ///
  /// - Parameter peer: the peer of the connection.
  /// - Throws: 400 if the host is missing or malformed.
  package func origin(of request: HTTPRequest, peer: Peer) throws(APIError) -> Origin {
    var scheme = speaksTLS ? "https" : "http"
    var authority = request.authority ?? ""
    var client: IPAddress?
    if isTrusted(peer: peer) {
      let fields = request.headerFields
      // The first value is the one that the client sent to the outermost proxy.
      if let name = Self.forwardedHost, let host = Self.first(fields[name]) { authority = host }
      if let name = Self.forwardedProto, let proto = Self.first(fields[name])?.lowercased(), ["http", "https"].contains(proto) {
        scheme = proto
      }
      if let name = Self.forwardedFor, let chain = fields[name] { client = self.client(in: chain) }
    }
    guard Self.isAuthority(authority) else {
      throw APIError(400, .invalidValue, "The Host header is missing or is not a host name with an optional port.")
    }
    return Origin(scheme: scheme, authority: authority.lowercased(), address: client?.text ?? peer.canonicalText)
  }

  /// The client in `X-Forwarded-For`. Each proxy appends its peer, so it is the last address that is not a trusted proxy.
  private func client(in chain: String) -> IPAddress? {
    for entry in chain.split(separator: ",").reversed() {
      guard let address = IPAddress(forwarded: entry) else { return nil }
      if !isTrusted(address) { return address }
    }
    return nil
  }

  /// Whether `peer` is a trusted proxy.
  package func isTrusted(peer: Peer) -> Bool { peer.address.map(isTrusted) ?? false }

  private func isTrusted(_ address: IPAddress) -> Bool { trustedProxies.contains { $0.contains(address) } }

  private static func first(_ value: String?) -> String? {
    guard let first = value?.prefix(while: { $0 != "," }).filter({ $0 != " " }), !first.isEmpty else { return nil }
    return first
  }

  private static let forwardedHost = HTTPField.Name("X-Forwarded-Host")
  private static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")
  private static let forwardedFor = HTTPField.Name("X-Forwarded-For")

  /// Whether `text` is a host name, an IPv4 address or a bracketed IPv6 address, with an optional port. It then needs no escaping in JSON
  /// or a URL.
  static func isAuthority(_ text: String) -> Bool {
    guard (1...255).contains(text.utf8.count) else { return false }
    if isPlainHost(text) { return true }
    let (host, port) = parts(of: text[...])
    guard let host, port.map(isPort) ?? true else { return false }
    if host.hasPrefix("[") { return isAddress(host.dropFirst().dropLast()) }
    // A trailing dot denotes the DNS root.
    let labels = (host.hasSuffix(".") ? host.dropLast() : host).split(separator: ".", omittingEmptySubsequences: false)
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.utf8.allSatisfy(isLabelByte) && label.first != "-" && label.last != "-"
    }
  }

  /// The fast path of ``isAuthority(_:)`` for a host name or an IPv4 address: labels of letters, digits and inner hyphens.
  private static func isPlainHost(_ text: String) -> Bool {
    let bytes = text.utf8
    var (length, last) = (0, UInt8(ascii: "."))
    for index in bytes.indices {
      let byte = bytes[index]
      if byte == UInt8(ascii: ":") {
        return length > 0 && last != UInt8(ascii: "-") && isPort(text[bytes.index(after: index)...])
      } else if byte == UInt8(ascii: ".") {
        guard length > 0, last != UInt8(ascii: "-") else { return false }
        length = 0
      } else {
        guard isLabelByte(byte), length < 63, length > 0 || byte != UInt8(ascii: "-") else { return false }
        length += 1
      }
      last = byte
    }
    return length > 0 && last != UInt8(ascii: "-")
  }

  /// Splits an authority. The host is nil if a bracket is not closed, or is followed by anything but a port.
  private static func parts(of text: Substring) -> (host: Substring?, port: Substring?) {
    let isBracketed = text.hasPrefix("[")
    guard let end = isBracketed ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":") ?? text.endIndex else {
      return (nil, nil)
    }
    let rest = text[end...]
    guard !rest.isEmpty else { return (text[..<end], nil) }
    return rest.first == ":" ? (text[..<end], rest.dropFirst()) : (nil, nil)
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt16(text).map { $0 > 0 } ?? false
  }

  private static func isAddress(_ text: Substring) -> Bool { text.contains(":") && IPAddress(String(text)) != nil }

  private static func isLabelByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
