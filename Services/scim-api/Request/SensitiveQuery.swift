import SCIM

/// Keeps what is secret out of URLs, which proxies and browsers write down (RFC 7644 §7.5.2, RFC 6750 §2.3).
enum SensitiveQuery {
  /// - Throws: 403 `sensitive` where the query passes a token or a password, or filters by one.
  static func check(_ query: String?) throws {
    guard let query, query.utf8.count > 0 else { return }
    let text = query.lowercased()
    guard text.contains("password") || text.contains("token") else { return }
    let parameters = try QueryParameters(query)
    for name in ["access_token", "token", "password"] where parameters[name] != nil {
      throw Refusal(
        403, .sensitive,
        """
        The URL has the query parameter '\(name)', which is secret and stays in the logs of whatever is on the way. Replace it by a new one, \
        and send tokens in the Authorization header alone.
        """)
    }
    guard let filter = parameters["filter"], filter.lowercased().contains("password"), try Filter(parsing: filter).mentions("password")
    else { return }
    throw Refusal(
      403, .sensitive, "The filter compares a password, which is neither stored nor to be sent in a URL. Filter by another attribute.")
  }
}
