/// A topic of the suite: its name, and how it is created where it is missing.
public struct Topic: Sendable, Hashable {
  public let name: String
  /// How long a message is kept, in seconds.
  public let retention: Int
  /// The largest message, in bytes.
  public let maximumMessageBytes: Int

  public init(name: String, retention: Int, maximumMessageBytes: Int = 1 << 20) {
    self.name = name
    self.retention = retention
    self.maximumMessageBytes = maximumMessageBytes
  }

  /// One command a message, keyed by resource id (workspace id for settings).
  public static let identityCommands = Topic(name: "identity.commands", retention: 7 * day, maximumMessageBytes: largestCommand)
  /// The outcome of one command, on the partition of the `scim-api` instance that asked.
  public static let identityReplies = Topic(name: "identity.replies", retention: 3600, maximumMessageBytes: largestCommand)
  /// What changed, keyed by resource id.
  public static let identityEvents = Topic(name: "identity.events", retention: 30 * day)
  /// Sign-ins, keyed by the user's email in lower case.
  public static let signInEvents = Topic(name: "sign-in.events", retention: 7 * day)
  /// How invitations fare, keyed by invitation.
  public static let invitationEvents = Topic(name: "invitation.events", retention: 30 * day)
  /// What the mail system reports of mails, keyed by invitation or address.
  public static let mailEvents = Topic(name: "mail.events", retention: 7 * day)
  /// For the product, keyed by product group or member id.
  public static let directoryEvents = Topic(name: "directory.events", retention: 30 * day)

  /// What became of each request of an identity provider, keyed by workspace id.
  public static let provisioningLog = Topic(name: "provisioning.log", retention: 7 * day)
  /// Security event tokens (RFC 8417) about people whose access ended, keyed by user id.
  public static let securityEvents = Topic(name: "security.events", retention: 30 * day)

  /// Where `consumer` puts what it cannot handle; it takes the largest message of the topics it reads.
  public static func deadLetters(of consumer: String) -> Topic {
    Topic(name: "\(consumer).dead-letters", retention: 30 * day, maximumMessageBytes: largestCommand)
  }

  /// The topics that a service reads or writes, by the service's name. Each service creates those of its topics that are missing.
  private static let byService: [(service: String, topics: [Topic])] = [
    (
      "identity-store",
      [.identityCommands, .identityReplies, .identityEvents, .provisioningLog, .deadLetters(of: "identity-store")]
    ),
    ("scim-api", [.identityCommands, .identityReplies, .signInEvents, .mailEvents, .provisioningLog]),
    (
      "invitation-mailer",
      [.identityEvents, .signInEvents, .mailEvents, .identityCommands, .invitationEvents, .deadLetters(of: "invitation-mailer")]
    ),
    ("group-sync", [.identityEvents, .identityCommands, .directoryEvents, .securityEvents, .deadLetters(of: "group-sync")]),
  ]

  /// The topics that `service` reads or writes, and creates where they are missing; none for a name that is no service of the suite.
  public static func used(by service: String) -> [Topic] { byService.first { $0.service == service }?.topics ?? [] }

  /// Every topic of the suite, dead letters included.
  public static let all: [Topic] = byService.flatMap(\.topics).reduce(into: []) { all, topic in
    if !all.contains(topic) { all.append(topic) }
  }

  /// Whether its messages are events about the state of identity-store, which can be published again.
  public var isRestated: Bool { self == .identityEvents }

  private static let day = 24 * 3600
  /// A PUT of a group of 100,000 members is about 6 MB; the edge accepts 8 MiB, and JSON escapes can grow it.
  private static let largestCommand = 16 << 20
}
