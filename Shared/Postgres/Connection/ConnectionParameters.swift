import CPostgres
import Foundation

/// The connection parameters for libpq: those of the operator's URL, and defaults for those that the URL omits.
struct ConnectionParameters: Sendable {
  let keywords: [String]
  let values: [String]

  /// Parses the URL.
  ///
  /// - Throws: `PostgresError` if the URL is invalid; the message does not contain the URL, which can hold a password.
  init(_ configuration: PostgresConfiguration) throws(PostgresError) {
    var given = try Self.parse(configuration.url)
    given["client_encoding"] = "UTF8"
    let defaults = [
      "fallback_application_name": configuration.applicationName,
      // Detects a dead peer within a minute rather than after hours.
      "keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "4", "tcp_user_timeout": "30000",
    ]
    given.merge(defaults) { given, _ in given }
    keywords = given.keys.sorted()
    values = keywords.map { given[$0] ?? "" }
  }

  /// The statements that set the server's settings for the session.
  ///
  /// They are not in the startup message (`options`), because PgBouncer rejects that, or ignores them there.
  static func sessionScript(_ configuration: PostgresConfiguration) -> String {
    settings(configuration).map { "set \($0) = '\($1)'" }.joined(separator: "; ")
  }

  /// The server's settings for the session.
  private static func settings(_ configuration: PostgresConfiguration) -> KeyValuePairs<String, String> {
    let timeout = String(Int(configuration.statementTimeout / .milliseconds(1)))
    return switch configuration.planning {
    // JIT compilation takes longer than the statements themselves.
    case .adaptive: ["statement_timeout": timeout, "client_min_messages": "warning", "jit": "off"]
    case .onceByIndex:
      [
        "statement_timeout": timeout, "client_min_messages": "warning", "jit": "off", "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
      ]
    }
  }

  private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
    var message: UnsafeMutablePointer<CChar>?
    defer { PQfreemem(message) }
    guard let options = PQconninfoParse(url, &message) else {
      let reason = message.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? "out of memory"
      throw .configuration("the database URL is invalid: \(reason)")
    }
    defer { PQconninfoFree(options) }
    var given: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    return given
  }
}
