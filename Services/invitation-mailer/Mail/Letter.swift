/// A mail ready to send: its envelope, its headers, and its two forms.
struct Letter: Sendable, Hashable {
  /// Whom the server sends bounces to (MAIL FROM).
  let sender: MailAddress
  /// RCPT TO.
  let recipient: MailAddress
  /// All but those of MIME, which libcurl writes.
  let headers: [HeaderField]
  let text: String
  let html: String
}
