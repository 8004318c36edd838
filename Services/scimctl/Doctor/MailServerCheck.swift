import CCurl
import Foundation
import ServiceKit

/// Connects and logs in to the mail server as the mailer does, without sending a mail.
struct MailServerCheck: Sendable {
  let url: String
  let user: String?
  let password: String?
  /// `none`, `starttls` or `required`.
  let tls: String
  /// The file of the certificate authorities; nil for the system's.
  let authorities: String?

  /// nil if no server is set.
  init?(_ settings: ServiceSettings) {
    guard let url = settings.optionalString(.doctorSMTPURL) else { return nil }
    self.url = url
    user = settings.optionalString(.doctorSMTPUser)
    password = settings.optionalString(.doctorSMTPPassword)
    tls = settings.optionalString(.doctorSMTPTLS)?.lowercased() ?? "starttls"
    authorities = settings.optionalString(.doctorSMTPAuthorities)
  }

  /// Connects to the server.
  func finding() async -> Finding {
    // libcurl blocks, so it gets its own thread.
    let problem = await withCheckedContinuation { (continuation: CheckedContinuation<String?, Never>) in
      Thread { continuation.resume(returning: attempt()) }.start()
    }
    guard let problem else { return .ok("mail", "\(url) accepts connections\(user == nil ? "" : " and the login")") }
    return .fail(
      "mail", "\(url): \(problem); invitations wait until this is fixed",
      fix:
        "curl --verbose \(tls == "none" ? "" : "--ssl ")\(url), and set ROLLCALL_SMTP_URL, _USER, _PASSWORD and _TLS for invitation-mailer")
  }

  /// Connects, negotiates TLS, and sends EHLO, AUTH and QUIT. Returns the reason for a failure.
  private func attempt() -> String? {
    guard let curl = curl_easy_init() else { return "libcurl cannot be used" }
    defer { curl_easy_cleanup(curl) }
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    text.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    defer { text.deallocate() }
    var codes = [
      rollcall_curl_set_pointer(curl, CURLOPT_ERRORBUFFER, text),
      rollcall_curl_set_long(curl, CURLOPT_NOSIGNAL, 1),
      rollcall_curl_set_string(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps"),
      rollcall_curl_set_string(curl, CURLOPT_URL, url),
      // Proxies in the environment are for HTTP.
      rollcall_curl_set_string(curl, CURLOPT_PROXY, ""),
      rollcall_curl_set_long(curl, CURLOPT_CONNECTTIMEOUT, 10),
      rollcall_curl_set_long(curl, CURLOPT_TIMEOUT, 20),
      rollcall_curl_set_long(curl, CURLOPT_CONNECT_ONLY, 1),
      rollcall_curl_set_long(curl, CURLOPT_USE_SSL, Int(use.rawValue)),
    ]
    if let authorities { codes.append(rollcall_curl_set_string(curl, CURLOPT_CAINFO, authorities)) }
    if let user {
      codes.append(rollcall_curl_set_string(curl, CURLOPT_USERNAME, user))
      codes.append(rollcall_curl_set_string(curl, CURLOPT_PASSWORD, password ?? ""))
    }
    codes.append(codes.allSatisfy { $0 == CURLE_OK } ? curl_easy_perform(curl) : CURLE_OK)
    guard let code = codes.first(where: { $0 != CURLE_OK }) else { return nil }
    let detail = String(cString: text)
    return detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
  }

  private var use: curl_usessl {
    switch tls {
    case "none": CURLUSESSL_NONE
    case "required": CURLUSESSL_ALL
    default: CURLUSESSL_TRY
    }
  }
}
