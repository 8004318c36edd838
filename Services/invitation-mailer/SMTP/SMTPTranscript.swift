import MailTemplates

/// What a server offers beyond RFC 5321, over the connection that is open.
struct SMTPExtensions: Sendable {
  private var keywords: Set<String> = []

  var offersInternationalMail: Bool { keywords.contains("SMTPUTF8") }

  /// On a connection that is used again the server is not asked again.
  mutating func note(_ transcript: SMTPTranscript) {
    guard let greeting = transcript.greeting else { return }
    keywords = Set(greeting.compactMap { $0.split(separator: " ").first?.uppercased() })
  }
}

/// Follows the dialogue of one mail, command by command and line by line, to know how far it came and what was last answered.
struct SMTPTranscript: Sendable {
  private(set) var phase = SMTPPhase.connecting
  /// The last complete reply.
  private(set) var reply: SMTPReply?
  /// Whether ``reply`` answers the last command.
  private(set) var isAnswered = false
  private var lines: [Substring] = []
  private var hasEnded = false
  /// What the server answered to EHLO, line by line, where it was asked: the last time, which is that after STARTTLS.
  private(set) var greeting: [String]?
  private var isGreeting = false

  /// A command went out. Its arguments, which may be credentials, are not looked at.
  mutating func sent(_ command: String) {
    let verb = command.prefix { !$0.isWhitespace && $0 != ":" }.uppercased()
    // libcurl takes its leave after a refusal, and it is the refusal that counts.
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

  /// A line of a reply came in: `250-text` where more follow, `250 text` for the last one (RFC 5321 §4.2.1).
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

  /// What the dialogue amounts to, once it has ended; `failure` is libcurl's reason where it ended badly.
  func outcome(failure: String?) -> SMTPOutcome {
    guard let failure else { return .accepted(reply ?? SMTPReply(code: 250, text: "")) }
    let refusal = reply.flatMap { isAnswered && $0.code >= 400 ? $0 : nil }
    guard phase > .connecting else {
      return .unreachable(reason: refusal.map(\.words) ?? failure)
    }
    guard let refusal else { return .interrupted(reason: failure) }
    return refusal.concernsAuthentication ? .unreachable(reason: refusal.words) : .refused(refusal, at: phase)
  }
}
