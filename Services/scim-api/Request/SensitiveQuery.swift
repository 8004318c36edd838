/// Keeps what is secret out of URLs, which proxies and browsers write down (RFC 7644 §7.5.2, RFC 6750 §2.3). A filter that asks for a
/// secret attribute is found by who reads it.
enum SensitiveQuery {
  private static let names = ["access_token", "token", "password", "client_secret"]

  /// - Throws: 403 `sensitive` where the query passes a token or a password.
  static func check(_ query: String?) throws(Refusal) {
    guard let query, query.contains("token") || query.contains("password") || query.contains("secret") else { return }
    let parameters = try QueryParameters(query)
    guard let name = names.first(where: { parameters[$0] != nil }) else { return }
    throw Refusal(
      403, .sensitive,
      """
      The URL has the query parameter '\(name)', which is secret and stays in the logs of whatever is on the way. Replace it by a new one, \
      and send tokens in the Authorization header alone.
      """)
  }
}
