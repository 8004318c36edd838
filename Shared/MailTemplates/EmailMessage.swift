/// An email message ready to send: envelope, headers, and the text and HTML alternatives.
package struct EmailMessage: Sendable, Hashable {
  /// The envelope sender, which receives bounces (MAIL FROM).
  package let sender: MailAddress
  /// The envelope recipient (RCPT TO).
  package let recipient: MailAddress
  /// All headers except those of MIME, which libcurl adds.
  package let headers: [HeaderField]
  /// The plain text alternative.
  package let text: String
  /// The HTML alternative.
  package let html: String

  /// Whether the server must support SMTPUTF8 (RFC 6531), because the local part of the recipient is not ASCII.
  package var needsInternationalMail: Bool { !recipient.isASCII }
}
