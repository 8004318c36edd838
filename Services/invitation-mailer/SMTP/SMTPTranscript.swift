import MailTemplates

/// The SMTP extensions that the server announced on the open connection.
struct SMTPExtensions: Sendable {
  private var keywords: Set<String> = []

  /// Whether the server supports SMTPUTF8 (RFC 6531).
  var offersInternationalMail: Bool { keywords.contains("SMTPUTF8") }

  /// Reads the extensions from a transcript. A reused connection has no greeting, so the known extensions remain.
  mutating func update(from transcript: SMTPTranscript) {
    guard let greeting = transcript.greeting else { return }
    keywords = Set(greeting.compactMap { $0.split(separator: " ").first?.uppercased() })
  }
}

/// Parses the SMTP dialogue of one mail, to know its phase and the last reply.
struct SMTPTranscript: Sendable {
  private(set) var phase = SMTPPhase.connecting
  /// The last complete reply.
  private(set) var reply: SMTPReply?
  /// Whether ``reply`` is the reply to the last command.
  private(set) var isAnswered = false
  private var lines: [Substring] = []
  private var hasEnded = false
  /// The lines of the last EHLO reply, which after STARTTLS is the second one; nil if EHLO was not sent.
  private(set) var greeting: [String]?
  private var isGreeting = false

  /// Handles a sent command. Ignores its arguments, which may be credentials.
  mutating func sent(_ command: String) {
    let verb = command.prefix { !$0.isWhitespace && $0 != ":" }.uppercased()
    // libcurl sends QUIT after a rejection; the rejection is the outcome.
    if verb == "QUIT" { hasEnded = true }
    guard !hasEnded else { return }
    isAnswered = false
    lines = []
    isGreeting = verb == "EHLO"
    if isGreeting { greeting = [] }
    switch verb {
    case "MAIL": phase = .sender
    case "RCPT": phase = .recipient
    case "DATA", "BDAT": phase = .content
    default: break
    }
  }

  /// Handles a received line: `250-text` if more follow, `250 text` for the last one (RFC 5321 §4.2.1).
  mutating func received(_ line: String) {
    let line = line.trimmingSpaces
    guard !hasEnded, let code = Int(line.prefix(3)), code >= 200, code < 600 else { return }
    lines.append(line.dropFirst(4))
    if isGreeting { greeting?.append(String(line.dropFirst(4))) }
    guard line.dropFirst(3).first != "-" else { return }
    reply = SMTPReply(code: code, text: lines.joined(separator: " "))
    lines = []
    isAnswered = true
  }

  /// The outcome of the finished dialogue.
  ///
  /// - Parameter failure: libcurl's error message; nil if it succeeded.
  func outcome(failure: String?) -> SMTPOutcome {
    guard let failure else { return .accepted(reply ?? SMTPReply(code: 250, text: "")) }
    let refusal = reply.flatMap { isAnswered && $0.code >= 400 ? $0 : nil }
    guard phase > .connecting else {
      return .unreachable(reason: refusal.map(\.line) ?? failure)
    }
    guard let refusal else { return .interrupted(reason: failure) }
    return refusal.concernsAuthentication ? .unreachable(reason: refusal.line) : .refused(refusal, at: phase)
  }
}
