import Foundation
import Primitives

/// The URL of an endpoint, with the host to which requests are sent.
struct WebhookURL: Sendable, Hashable {
  var text: String
  var isSecure: Bool
  /// A host name in lower case, or an IP address without brackets.
  var host: String
  /// The address if the host is one.
  var address: InternetAddress?

  /// Parses a URL.
  ///
  /// - Throws: ``WebhookURLError`` if it is not an absolute HTTP URL with an ASCII host name. identity-store has checked it already, unless a
  ///   setting has changed since then.
  init(_ text: String) throws(WebhookURLError) {
    guard var components = URLComponents(string: text), let scheme = components.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = components.host?.lowercased().trimmingCharacters(in: ["[", "]"]), !host.isEmpty
    else { throw WebhookURLError(reason: "the URL is not an absolute HTTP URL") }
    // The HTTP client replaces this host by the address that was checked, so both have to read the host in the same way.
    let isName = host.utf8.allSatisfy { Self.nameBytes.contains($0) }
    address = isName && !Self.isDottedQuad(host) ? nil : InternetAddress(host)
    guard isName || address != nil else { throw WebhookURLError(reason: "the host of the URL is not an ASCII host name") }
    if address == nil { components.host = host }
    guard let normalised = components.string else { throw WebhookURLError(reason: "the URL is malformed") }
    self.text = normalised
    self.host = host
    isSecure = scheme == "https"
  }

  private static let nameBytes = Set("abcdefghijklmnopqrstuvwxyz0123456789-._".utf8)

  /// Whether a host is an IPv4 address in its usual form. Other forms, such as `127.1`, are left to the resolver.
  private static func isDottedQuad(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && ($0.count == 1 || !$0.hasPrefix("0")) }
  }
}

/// Why nothing can be sent to a URL.
struct WebhookURLError: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}
