import CCurl
import MailTemplates

/// Owns libcurl's easy handle of one SMTP connection, which stays open between mails.
///
/// Blocks while it sends. Not `Sendable`: it is used on one thread.
final class CurlHandle {
  private let handle: OpaquePointer
  private let errorText: UnsafeMutablePointer<CChar>
  private let log = Log()
  /// The extensions of the open connection.
  private var extensions = SMTPExtensions()

  /// The target of the debug callback. The handle retains it for as long as libcurl may call.
  private final class Log {
    var transcript = SMTPTranscript()
  }

  /// - Throws: ``CurlError`` if libcurl rejects a setting, such as an invalid URL.
  init(_ server: SMTPServer) throws(CurlError) {
    guard let handle = curl_easy_init() else { throw CurlError(code: CURLE_FAILED_INIT) }
    self.handle = OpaquePointer(handle)
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try configure(server)
  }

  deinit {
    curl_easy_cleanup(curl)
    errorText.deallocate()
  }

  /// Sends a mail over the open connection, or opens one.
  func send(_ message: EmailMessage) -> SMTPOutcome {
    if message.needsInternationalMail, let outcome = rejectIfUnsupported() { return outcome }
    log.transcript = SMTPTranscript()
    errorText.pointee = 0
    let code: CURLcode
    do {
      let mime = try CurlMessage(message, on: curl)
      let recipients = CurlList()
      try recipients.append("<\(message.recipient.address)>")
      try set(CURLOPT_MAIL_FROM, "<\(message.sender.address)>")
      try check(rollcall_curl_set_list(curl, CURLOPT_MAIL_RCPT, recipients.head))
      try mime.attach(to: curl)
      // libcurl borrows the recipients and the message while it sends.
      code = withExtendedLifetime((recipients, mime)) { curl_easy_perform(curl) }
      try mime.detach(from: curl)
      try check(rollcall_curl_set_list(curl, CURLOPT_MAIL_RCPT, nil))
    } catch {
      return .unreachable(reason: "libcurl: \(error)")
    }
    extensions.update(from: log.transcript)
    return log.transcript.outcome(failure: code == CURLE_OK ? nil : reason(of: code))
  }

  /// Checks that the server supports SMTPUTF8, and returns the outcome if it does not. Without SMTPUTF8, a server would misinterpret a
  /// non-ASCII address.
  private func rejectIfUnsupported() -> SMTPOutcome? {
    log.transcript = SMTPTranscript()
    errorText.pointee = 0
    do {
      // Without a recipient, libcurl connects, authenticates and only sends this command.
      try set(CURLOPT_CUSTOMREQUEST, "NOOP")
      let code = curl_easy_perform(curl)
      try check(rollcall_curl_set_string(curl, CURLOPT_CUSTOMREQUEST, nil))
      extensions.update(from: log.transcript)
      guard code == CURLE_OK else {
        let failure = reason(of: code)
        return .unreachable(reason: log.transcript.reply.flatMap { $0.code >= 400 ? $0.line : nil } ?? failure)
      }
    } catch {
      return .unreachable(reason: "libcurl: \(error)")
    }
    guard !extensions.offersInternationalMail else { return nil }
    return .refused(
      SMTPReply(code: 553, text: "5.6.7 the mail server does not offer SMTPUTF8, which this address needs (RFC 6531)"), at: .recipient)
  }

  private var curl: UnsafeMutableRawPointer { UnsafeMutableRawPointer(handle) }

  private func configure(_ server: SMTPServer) throws(CurlError) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    try set(CURLOPT_URL, server.url)
    // Ignores the environment's proxies, which are for HTTP.
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_CONNECTTIMEOUT, server.connectTimeout)
    try set(CURLOPT_TIMEOUT, server.timeout)
    try set(CURLOPT_TCP_KEEPALIVE, 1)
    let use =
      switch server.tls {
      case .none: CURLUSESSL_NONE
      case .opportunistic: CURLUSESSL_TRY
      case .required: CURLUSESSL_ALL
      }
    try set(CURLOPT_USE_SSL, Int(use.rawValue))
    if let authorities = server.authorities { try set(CURLOPT_CAINFO, authorities) }
    if let credentials = server.credentials {
      try set(CURLOPT_USERNAME, credentials.username)
      try set(CURLOPT_PASSWORD, credentials.password)
      switch server.authentication {
      case .any: break
      case .plain: try set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN")
      case .login: try set(CURLOPT_LOGIN_OPTIONS, "AUTH=LOGIN")
      }
    }
    try check(rollcall_curl_set_pointer(curl, CURLOPT_ERRORBUFFER, errorText))
    // Only the debug callback exposes both sides of the dialogue.
    try check(rollcall_curl_set_pointer(curl, CURLOPT_DEBUGDATA, Unmanaged.passUnretained(log).toOpaque()))
    try check(
      rollcall_curl_set_debug_function(curl) { _, type, bytes, count, context in
        guard let bytes, let context else { return 0 }
        let log = Unmanaged<Log>.fromOpaque(context).takeUnretainedValue()
        func line() -> String { String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self) }
        switch type {
        case CURLINFO_HEADER_OUT: log.transcript.sent(line())
        case CURLINFO_HEADER_IN: log.transcript.received(line())
        default: break
        }
        return 0
      })
    try set(CURLOPT_VERBOSE, 1)
  }

  private func reason(of code: CURLcode) -> String {
    let detail = String(cString: errorText)
    return detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
  }

  private func set(_ option: CURLoption, _ value: Int) throws(CurlError) {
    try check(rollcall_curl_set_long(curl, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(CurlError) {
    try check(rollcall_curl_set_string(curl, option, value))
  }

  private func check(_ code: CURLcode) throws(CurlError) {
    try CurlError.check(code)
  }
}

/// An error of libcurl: an unsupported setting, or out of memory.
struct CurlError: Error, CustomStringConvertible {
  let code: CURLcode

  static func check(_ code: CURLcode) throws(CurlError) {
    guard code == CURLE_OK else { throw CurlError(code: code) }
  }

  var description: String { String(cString: curl_easy_strerror(code)) }
}
