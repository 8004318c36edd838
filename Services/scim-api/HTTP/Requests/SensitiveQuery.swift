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
      if Redaction.isSecretParameter(text) || Redaction.holdsToken(Redaction.percentDecoded(value)) {
        throw .secretInURL(parameter: Redaction.percentDecoded(text).lowercased())
      }
    }
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
