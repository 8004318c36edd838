/// A mail ready to send: its envelope, its headers, and its two forms.
package struct EmailMessage: Sendable, Hashable {
  /// Whom the server sends bounces to (MAIL FROM).
  package let sender: MailAddress
  /// RCPT TO.
  package let recipient: MailAddress
  /// All but those of MIME, which libcurl writes.
  package let headers: [HeaderField]
  package let text: String
  package let html: String

  /// Whether the server has to speak SMTPUTF8 (RFC 6531): the part before the `@` is not ASCII, and has no other form.
  package var needsInternationalMail: Bool { !recipient.isASCII }
}
