import MailTemplates

/// What became of one attempt to hand a mail over.
enum SMTPOutcome: Sendable, Hashable {
  /// The server has taken the mail on.
  case accepted(SMTPReply)
  /// The server refused this mail: for now (4xx) or for good (5xx).
  case refused(SMTPReply, at: SMTPPhase)
  /// The connection was lost while the mail was under way; whether the server has it is unknown where that was at its end.
  case interrupted(reason: String)
  /// It did not come to this mail: no connection, no TLS, no authentication.
  case unreachable(reason: String)
}

/// The server's words: `250 2.0.0 Ok: queued as 4F2A`.
struct SMTPReply: Sendable, Hashable {
  let code: Int
  /// Lines joined by spaces, at most 500 characters, none of them a control character.
  let text: String

  init(code: Int, text: String) {
    self.code = code
    self.text = text.withoutControlCharacters.truncated(to: 500, bytes: 2000)
  }

  var words: String { text.isEmpty ? "\(code)" : "\(code) \(text)" }

  /// 4yz: may succeed later (RFC 5321 §4.2.1).
  var isTransient: Bool { (400..<500).contains(code) }

  /// Wants (other) credentials or encryption, so it concerns our settings and not the mail (RFC 4954 §6).
  var concernsAuthentication: Bool { [530, 534, 535, 538, 454].contains(code) }
}

/// How far a mail has come.
enum SMTPPhase: Int, Sendable, Hashable, Comparable {
  case connecting, sender, recipient, content

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
