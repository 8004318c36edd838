import Foundation
import Primitives
import ProvisioningLog

/// Rejects requests with secrets in the URL, which proxies and browsers log (RFC 7644 §7.5.2, RFC 6750 §2.3). Filters on secret attributes
/// are rejected by `SearchController`.
package enum SensitiveQuery {
  /// Checks a query string.
  ///
  /// - Throws: 403 `sensitive` if it contains a token or a password, in any case and encoding of the parameter's name.
  package static func check(_ query: String?) throws(APIError) {
    guard let query else { return }
    for parameter in query.utf8.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }) {
      let name = parameter.prefix { $0 != UInt8(ascii: "=") }
      let value = parameter.dropFirst(name.count + 1)
      guard !value.isEmpty else { continue }
      let text = Substring(name)
      if Redaction.isSecretParameter(text) || Redaction.holdsToken(decoded(value)) {
        throw .secretInURL(parameter: (text.removingPercentEncoding ?? String(text)).lowercased())
      }
    }
  }

  /// The bytes of a percent-encoded value. A malformed escape stays as it is.
  private static func decoded(_ value: Substring.UTF8View) -> [UInt8] {
    let bytes = Array(value)
    guard bytes.contains(UInt8(ascii: "%")) else { return bytes }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = Hex.value(ofDigit: bytes[index + 1]),
        let low = Hex.value(ofDigit: bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return decoded
  }
}

extension APIError {
  fileprivate static func secretInURL(parameter: String) -> APIError {
    APIError(
      403, .sensitive,
      """
      The URL has the query parameter '\(parameter.prefix(50))', which is secret, and proxies log URLs. Replace the secret by a new one, and \
      send tokens only in the Authorization header.
      """)
  }
}
