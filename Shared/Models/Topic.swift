/// A Kafka topic of the suite, with the settings for its creation.
public struct Topic: Sendable, Hashable {
  /// The name on the broker.
  public let name: String
  /// The retention in seconds.
  public let retention: Int
  /// The largest message, in bytes.
  public let maximumMessageBytes: Int
  /// How long the brokers append to one file, in seconds; nil for their default. Kafka deletes whole files, so a short retention needs it.
  public let segment: Int?

  /// Creates a topic.
  public init(name: String, retention: Int, maximumMessageBytes: Int = 1 << 20, segment: Int? = nil) {
    self.name = name
    self.retention = retention
    self.maximumMessageBytes = maximumMessageBytes
    self.segment = segment
  }

  /// Commands, keyed by resource id (workspace id for settings).
  public static let identityCommands = Topic(name: "identity.commands", retention: 7 * day, maximumMessageBytes: largestCommand)
  /// Replies to commands, on the partition of the `scim-api` process that sent the command.
  public static let identityReplies = Topic(name: "identity.replies", retention: 3600, maximumMessageBytes: largestCommand)
  /// Changes of users, groups and workspaces, keyed by resource id.
  public static let identityEvents = Topic(name: "identity.events", retention: 30 * day)
  /// Sign-ins, keyed by the comparison key of the email.
  public static let signInEvents = Topic(name: "sign-in.events", retention: 7 * day)
  /// State changes of invitations, keyed by invitation id.
  public static let invitationEvents = Topic(name: "invitation.events", retention: 30 * day)
  /// Delivery reports of the mail system, keyed by invitation id or address.
  public static let mailEvents = Topic(name: "mail.events", retention: 7 * day)
  /// Changes of the directory for the product, keyed by workspace id.
  public static let directoryEvents = Topic(name: "directory.events", retention: 30 * day)

  /// The requests of identity providers and their outcomes, keyed by workspace id.
  public static let provisioningLog = Topic(name: "provisioning.log", retention: 7 * day)
  /// The requests that each `scim-api` process has accepted, for the rate limits of the others. All messages are on one partition.
  public static let edgeUsage = Topic(name: "edge.usage", retention: 600, segment: 600)
  /// Security event tokens (RFC 8417) for people who lost access, keyed by user id.
  public static let securityEvents = Topic(name: "security.events", retention: 30 * day)

  /// The dead-letter topic of a consumer. It accepts the largest message of the topics that the consumer reads.
  public static func deadLetters(of consumer: String) -> Topic {
    Topic(name: "\(consumer).dead-letters", retention: 30 * day, maximumMessageBytes: largestCommand)
  }

  /// The topics that each service reads or writes. A service creates missing ones at its start.
  private static let byService: [(service: String, topics: [Topic])] = [
    (
      "identity-store",
      [.identityCommands, .identityReplies, .identityEvents, .provisioningLog, .deadLetters(of: "identity-store")]
    ),
    ("scim-api", [.identityCommands, .identityReplies, .signInEvents, .mailEvents, .provisioningLog, .edgeUsage]),
    (
      "invitation-mailer",
      [.identityEvents, .signInEvents, .mailEvents, .identityCommands, .invitationEvents, .deadLetters(of: "invitation-mailer")]
    ),
    ("group-sync", [.identityEvents, .identityCommands, .directoryEvents, .securityEvents, .deadLetters(of: "group-sync")]),
  ]

  /// The topics that a service reads or writes, and creates if they are missing; empty for an unknown service.
  public static func used(by service: String) -> [Topic] { byService.first { $0.service == service }?.topics ?? [] }

  /// All topics of the suite, dead-letter topics included.
  public static let all: [Topic] = byService.flatMap(\.topics).reduce(into: []) { all, topic in
    if !all.contains(topic) { all.append(topic) }
  }

  /// Whether lost messages can be recovered with a ``Rebuild``.
  public var isRestated: Bool { self == .identityEvents }

  private static let day = 24 * 3600
  /// In bytes. A PUT of a group with 100,000 members is about 6 MB. scim-api accepts 8 MiB, and JSON escapes can increase it.
  private static let largestCommand = 16 << 20
}
