import Foundation
import ProvisioningLog

/// Keeps what is secret out of URLs, which proxies and browsers write down (RFC 7644 §7.5.2, RFC 6750 §2.3). A filter that asks for a
/// secret attribute is found by who reads it.
package enum SensitiveQuery {
  /// - Throws: 403 `sensitive` where the query passes a token or a password, whatever the case and the encoding of the parameter's name.
  package static func check(_ query: String?) throws(APIError) {
    guard let query else { return }
    for parameter in query.split(whereSeparator: { $0 == "&" || $0 == ";" }) {
      let name = parameter.prefix { $0 != "=" }
      let value = parameter.dropFirst(name.count + 1)
      guard !value.isEmpty else { continue }
      if Redaction.isSecretParameter(name) || Redaction.holdsToken(value.removingPercentEncoding ?? String(value)) {
        throw .secretInURL(parameter: (name.removingPercentEncoding ?? String(name)).lowercased())
      }
    }
  }
}

extension APIError {
  fileprivate static func secretInURL(parameter: String) -> APIError {
    APIError(
      403, .sensitive,
      """
      The URL has the query parameter '\(parameter.prefix(50))', which is secret and stays in the logs of whatever is on the way. Replace it by \
      a new one, and send tokens in the Authorization header alone.
      """)
  }
}
