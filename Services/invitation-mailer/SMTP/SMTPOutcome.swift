import MailTemplates

/// The outcome of one attempt to deliver a mail to the SMTP server.
enum SMTPOutcome: Sendable, Hashable {
  /// The server accepted the mail.
  case accepted(SMTPReply)
  /// The server rejected this mail, temporarily (4xx) or permanently (5xx).
  case refused(SMTPReply, at: SMTPPhase)
  /// The connection was lost during the mail. If it was lost at the end, it is unknown whether the server has the mail.
  case interrupted(reason: String)
  /// The mail was not started: no connection, no TLS, or no authentication.
  case unreachable(reason: String)
}

/// A reply of the server, such as `250 2.0.0 Ok: queued as 4F2A`.
struct SMTPReply: Sendable, Hashable {
  let code: Int
  /// The lines joined by spaces, at most 500 characters, without control characters.
  let text: String

  init(code: Int, text: String) {
    self.code = code
    self.text = text.withoutControlCharacters.truncated(to: 500, bytes: 2000)
  }

  /// The code and the text.
  var line: String { text.isEmpty ? "\(code)" : "\(code) \(text)" }

  /// Whether the code is 4yz: a later attempt may succeed (RFC 5321 §4.2.1).
  var isTransient: Bool { (400..<500).contains(code) }

  /// Whether the server demands other credentials or encryption, so the cause is our configuration and not the mail (RFC 4954 §6).
  var concernsAuthentication: Bool { [530, 534, 535, 538, 454].contains(code) }
}

/// The phase of an SMTP transaction.
enum SMTPPhase: Int, Sendable, Hashable, Comparable {
  case connecting, sender, recipient, content

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
