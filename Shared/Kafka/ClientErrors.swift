import CKafka
import Logging
import Synchronization

/// Logs errors that concern a client as a whole.
///
/// Configuration errors (rejected credentials, failed TLS handshakes) are logged as warnings with advice, at most once every 30 seconds for all
/// clients of a process. Other lost connections are logged at debug level, since brokers restart.
enum ClientErrors {
  private static let lastLogged = Mutex<[String: ContinuousClock.Instant]>([:])
  private static let interval = Duration.seconds(30)

  static func log(_ code: rd_kafka_resp_err_t, _ reason: String, of client: String, _ logger: Logger) {
    guard advice(code) != nil else {
      let level: Logger.Level = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? .warning : .debug
      logger.log(level: level, "\(client): \(reason)")
      return
    }
    // `reason` starts with the broker's name and ends with the elapsed time: "…: … (after 5ms in state AUTH_REQ)".
    let key = "\(code.rawValue) \(reason.prefix { $0 != "(" })"
    let isDue = lastLogged.withLock { logged in
      let now = ContinuousClock.now
      if let last = logged[key], now - last < interval { return false }
      // There is one entry per broker and cause; the bound is a precaution.
      if logged.count > 1000 { logged = [:] }
      logged[key] = now
      return true
    }
    logger.log(level: isDue ? .warning : .debug, "\(client): \(explanation(code, reason))")
  }

  /// The reason, with advice for configuration errors.
  static func explanation(_ code: rd_kafka_resp_err_t, _ reason: String) -> String {
    advice(code).map { "\(reason). \($0)" } ?? reason
  }

  private static func advice(_ code: rd_kafka_resp_err_t) -> String? {
    switch code {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
      RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      "The brokers reject the credentials: check sasl.mechanism, sasl.username and sasl.password in the Kafka properties"
    case RD_KAFKA_RESP_ERR__SSL:
      "TLS with the broker fails: check security.protocol and ssl.ca.location in the Kafka properties, and the brokers' certificates"
    default: nil
    }
  }
}
