import CPostgres
import Foundation

/// What libpq is told when a connection is made: the operator's URL, and what is ours to say where the URL does not.
struct ConnectionParameters: Sendable {
  let keywords: [String]
  let values: [String]

  /// - Throws: `PostgresError` where the URL cannot be understood; it does not repeat the URL, which can hold a password.
  init(_ configuration: PostgresConfiguration) throws(PostgresError) {
    var given = try Self.parse(configuration.url)
    let timeout = configuration.statementTimeout / .milliseconds(1)
    given["options"] = "-c statement_timeout=\(Int(timeout)) -c client_min_messages=warning \(given["options"] ?? "")"
    given["client_encoding"] = "UTF8"
    let defaults = [
      "fallback_application_name": configuration.applicationName,
      // A peer that is gone without a word is noticed within a minute rather than after hours.
      "keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "4", "tcp_user_timeout": "30000",
    ]
    given.merge(defaults) { given, _ in given }
    keywords = given.keys.sorted()
    values = keywords.map { given[$0] ?? "" }
  }

  private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
    var message: UnsafeMutablePointer<CChar>?
    defer { PQfreemem(message) }
    guard let options = PQconninfoParse(url, &message) else {
      let reason = message.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? "out of memory"
      throw .configuration("the database URL cannot be understood: \(reason)")
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
