import HTTPTypes
import Queries
import SCIM

/// The URL under which the caller reaches SCIM, without a trailing slash: `https://app.example.com/api/v2/scim`.
///
/// It stands in `meta.location`, in `$ref` and in the `Location` header, so it is the host that was called.
struct BaseURL: Sendable, Hashable {
  let text: String

  /// - Parameter site: scheme and authority, `https://app.example.com`.
  init(site: String) {
    text = site + ResourcePath.base
  }

  func location(_ kind: ResourceKind, _ id: String) -> String { "\(text)/\(kind.endpoint)/\(id)" }
}

/// How the base URL of a request is found.
struct BaseURLRule: Sendable {
  /// Scheme and authority for every request; nil: what the request says.
  var site: String?
  /// Whether a proxy in front sets `X-Forwarded-Proto`.
  var trustsForwarded: Bool
  /// Whether TLS ends here.
  var isSecure: Bool

  init(publicURL: String?, trustsForwarded: Bool, isSecure: Bool = false) {
    self.isSecure = isSecure
    site = publicURL.map { String($0[..<($0.lastIndex { $0 != "/" }.map($0.index(after:)) ?? $0.startIndex)]) }
    self.trustsForwarded = trustsForwarded
  }

  /// - Throws: 400 where the request names no host, or something that is not one.
  func baseURL(of request: HTTPRequest) throws(Refusal) -> BaseURL {
    if let site { return BaseURL(site: site) }
    guard let authority = request.authority, Self.isAuthority(authority) else {
      throw Refusal(400, .invalidValue, "The Host header is missing or is not a host name with an optional port.")
    }
    var scheme = isSecure ? "https" : "http"
    if trustsForwarded, let name = Self.forwardedProto, let forwarded = request.headerFields[name] {
      // The first is what the client spoke to the outermost proxy.
      let first = forwarded.prefix { $0 != "," }.filter { $0 != " " }.lowercased()
      if first == "https" { scheme = first }
    }
    return BaseURL(site: "\(scheme)://\(authority)")
  }

  private static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")

  /// Host name, IPv4 or bracketed IPv6 address, with an optional port: nothing that would need escaping in JSON or a URL.
  private static func isAuthority(_ text: String) -> Bool {
    guard (1...255).contains(text.utf8.count) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
      default: false
      }
    }
  }
}
