import ArgumentParser
import Foundation
import Kafka
import Models
import Postgres
import ProvisioningLog
import SCIM
import ServiceKit

/// `scimctl dead-letters`, the commands for dead letters.
struct DeadLetterCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters", abstract: "Messages that a service could not process, or that the broker rejected.",
    discussion: """
      They are kept for 30 days, on the topics *.dead-letters or, if Kafka rejects them, in the database. Fix the cause first, then replay \
      them, or drop those that are no longer needed.
      """,
    subcommands: [ListDeadLetters.self, ShowDeadLetter.self, ReplayDeadLetter.self, DropDeadLetter.self])
}

/// `scimctl dead-letters list`, which lists dead letters.
struct ListDeadLetters: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List dead letters, the latest last: id, time, service, type, workspace, attempts, bytes, storage, state, error.")

  @Option(help: "Only dead letters of this service: identity-store, invitation-mailer or group-sync.")
  var consumer: String?

  @Flag(help: "Include dead letters that were replayed or dropped.")
  var all = false

  @Option(help: "The maximum number of dead letters, the latest.")
  var limit = 100

  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be between 1 and 100000.") }
    if let consumer, !DeadLetterRepository.consumers.contains(where: { $0.0 == consumer }) {
      throw ValidationError(
        "'\(consumer)' has no dead letters. Services with dead letters: \(DeadLetterRepository.consumers.map(\.0).joined(separator: ", "))."
      )
    }
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (letters, slugs) = try await withDeadLetters(settings) { repository in
      (try await repository.all(of: consumer), try await WorkspaceSlugs(on: repository.pool))
    }
    let listed = letters.filter { all || $0.outcome == nil }.suffix(limit)
    if json {
      for letter in listed { OutputOption.print(.object(letter.json(slugs))) }
    } else {
      var table = Table("ID", "TIME", "SERVICE", "TYPE", "WORKSPACE", "ATTEMPTS", "BYTES", "STORAGE", "STATE", "ERROR")
      for letter in listed { table.append(letter.cells(slugs)) }
      table.print()
    }
  }
}

/// `scimctl dead-letters show ID`, which shows a dead letter.
struct ShowDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a dead letter with its headers and data, without secrets.")

  @Argument(help: "The id of the dead letter, or its first characters; see 'scimctl dead-letters list'.")
  var id: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (letter, slugs) = try await withDeadLetters(settings) { repository in
      (try await repository.letter(id), try await WorkspaceSlugs(on: repository.pool))
    }
    if output.json { return OutputOption.print(.object(letter.completeJSON(slugs))) }
    letter.description(slugs).print()
    print("")
    print(letter.data)
  }
}

/// `scimctl dead-letters replay ID`, which sends a dead letter again.
struct ReplayDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send a dead letter to its topic again, after its cause is fixed, and mark it as replayed.",
    discussion: """
      A command is sent without its deadline. Its sender received 500 and may have sent it again since: check the resource first. An event \
      that the broker rejected was replaced by one without its large fields, and consumers ignore events that are not newer: run 'scimctl \
      rebuild' to publish the present state.
      """)

  @Argument(help: "The id of the dead letter, or its first characters; see 'scimctl dead-letters list'.")
  var id: String

  func run() async throws {
    let settings = try await Settings.forWriting()
    let actor = try DeadLetter.actor(settings)
    let (letter, slugs) = try await withDeadLetters(settings) { repository in
      let letter = try await repository.complete(try await repository.letter(id).unhandled())
      guard let topic = DeadLetter.topics.first(where: { $0.name == letter.topic }) else {
        throw ScimctlError(
          .rejected,
          "dead letter \(letter.id) comes from '\(letter.topic)', which is not a topic of Rollcall. Drop it: scimctl dead-letters drop \(letter.id)"
        )
      }
      let kafka = try await KafkaConnection.open(settings, topics: [topic])
      try await repository.markHandled(letter, as: "replayed", by: actor) { try await kafka.send(letter.replay) }
      return (letter, try await WorkspaceSlugs(on: repository.pool))
    }
    print("\(letter.owner(slugs)): dead letter \(letter.id) sent to \(letter.topic)")
  }
}

/// `scimctl dead-letters drop ID …`, which marks dead letters as dropped.
struct DropDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "Mark dead letters as dropped: they are listed only with --all, and doctor does not count them.")

  @Argument(help: "The ids of the dead letters, or their first characters; see 'scimctl dead-letters list'.")
  var ids: [String]

  func run() async throws {
    let settings = try await Settings.forWriting()
    let actor = try DeadLetter.actor(settings)
    try await withDeadLetters(settings) { repository in
      let letters = try await repository.all()
      let slugs = try await WorkspaceSlugs(on: repository.pool)
      for id in ids {
        let letter = try DeadLetterRepository.select(id, from: letters).unhandled()
        try await repository.markHandled(letter, as: "dropped", by: actor) {}
        print("\(letter.owner(slugs)): dead letter \(letter.id) dropped")
      }
    }
  }
}

/// Runs `body` with a repository of dead letters.
///
/// - Throws: Whatever `body` throws; ``ScimctlError`` if no broker answers.
private func withDeadLetters<Value: Sendable>(
  _ settings: ServiceSettings, _ body: (DeadLetterRepository) async throws -> Value
) async throws -> Value {
  let kafka = try await KafkaConnection.open(settings, topics: [])
  let reader = TopicReader(kafka.configuration, logger: kafka.logger)
  return try await withDatabase(settings) { try await body(DeadLetterRepository(reader: reader, pool: $0)) }
}

/// The slugs of all workspaces, for output.
struct WorkspaceSlugs: Sendable {
  private var slugs: [WorkspaceID: String] = [:]

  /// - Parameter slugs: The slugs by workspace id.
  init(_ slugs: [WorkspaceID: String] = [:]) {
    self.slugs = slugs
  }

  /// Reads the slugs from the database.
  ///
  /// - Throws: `PostgresError`.
  init(on pool: PostgresPool) async throws {
    for row in try await pool.query(WorkspaceQueries.workspaces) { slugs[WorkspaceID(try row.uuid(1))] = try row.string(0) }
  }

  /// The slug of a workspace; its id if the workspace does not exist.
  func name(of workspace: WorkspaceID) -> String { slugs[workspace] ?? "\(workspace)" }
}

extension DeadLetter {
  /// The topics to which dead letters can be sent again.
  static let topics: [Topic] = [
    .identityCommands, .identityEvents, .signInEvents, .mailEvents, .provisioningLog, .invitationEvents, .directoryEvents, .securityEvents,
  ]

  /// The operator as the audit trail names them.
  static func actor(_ settings: ServiceSettings) throws -> String { Command.Actor.operator(try Operator.name(settings)).rawValue }

  /// The workspace of the dead letter, for the output of a command.
  func owner(_ slugs: WorkspaceSlugs) -> String { workspace.map { "Workspace \(slugs.name(of: $0))" } ?? "No workspace" }

  /// `open`, `replayed` or `dropped`.
  var state: String { outcome?.name ?? "open" }

  /// Returns the dead letter if it is open.
  ///
  /// - Throws: ``ScimctlError`` if an operator has handled it.
  func unhandled() throws -> DeadLetter {
    guard let outcome else { return self }
    throw ScimctlError(
      .alreadyExists, "dead letter \(id) was \(outcome.name) by \(outcome.actor) at \(Timestamp.text(outcome.at)) already"
    )
  }

  /// The row of `dead-letters list`.
  func cells(_ slugs: WorkspaceSlugs) -> [String?] {
    [
      id, at.map(Timestamp.text), consumer, type, workspace.map(slugs.name), attempts.map(String.init), String(size), kind.rawValue, state,
      String(error.prefix(200)),
    ]
  }

  /// The JSON output of `dead-letters list`.
  func json(_ slugs: WorkspaceSlugs) -> JSONObject {
    var object: JSONObject = [
      "id": .string(id), "consumer": .string(consumer), "kept": .string(kind.rawValue), "location": .string(location),
      "topic": .string(topic), "size": .integer(Int64(size)), "error": .string(error), "state": .string(state),
    ]
    object["at"] = at.map { .string(Timestamp.text($0)) }
    object["type"] = type.map(JSON.string)
    object["workspace"] = workspace.map { .string(slugs.name(of: $0)) }
    object["attempts"] = attempts.map { .integer(Int64($0)) }
    return object
  }

  /// The JSON output of `dead-letters show`, with headers and data, without secrets.
  func completeJSON(_ slugs: WorkspaceSlugs) -> JSONObject {
    var object = json(slugs)
    object["key"] = key.map { .string(Self.printable($0)) }
    object["isComplete"] = .bool(isComplete)
    let headers = headers.map { header -> JSON in
      ["name": .string(header.name), "value": .string(Self.printable(Array(header.value.utf8)))]
    }
    object["headers"] = .array(headers)
    object["data"] = .string(data)
    return object
  }

  /// The text output of `dead-letters show`.
  func description(_ slugs: WorkspaceSlugs) -> Table {
    var table = Table()
    table.append(["id", id])
    table.append(["state", outcome.map { "\($0.name) by \($0.actor) at \(Timestamp.text($0.at))" } ?? "open"])
    table.append(["time", at.map(Timestamp.text)])
    table.append(["service", consumer])
    table.append(["stored at", location])
    table.append(["workspace", workspace.map(slugs.name)])
    table.append([
      kind == .outbox ? "to topic" : "from topic", origin.map { "\(topic), partition \($0.partition), offset \($0.offset)" } ?? topic,
    ])
    table.append(["attempts", attempts.map(String.init)])
    table.append(["error", error])
    table.append(["key", key.map { Self.printable($0) }])
    table.append(["bytes", isComplete ? "\(size)" : "\(size), of which the first \(payload.count) are stored"])
    for (name, value) in headers { table.append(["header \(name)", Self.printable(Array(value.utf8))]) }
    return table
  }

  /// The data as text, without secrets.
  var data: String {
    guard !payload.isEmpty else { return "(no data)" }
    do {
      let json = Redaction.body(try JSON(parsing: payload)).json
      return Self.printable(json.serialized())
    } catch {
      let text = Self.printable(Array(payload.prefix(Self.maximumText)))
      // Without complete JSON, a secret cannot be distinguished from other text.
      let lowercased = text.lowercased()
      guard !Self.secretWords.contains(where: { lowercased.contains($0) }) else {
        return "(\(payload.count) bytes that are not complete JSON and may contain a secret: not shown)"
      }
      return text + (payload.count > Self.maximumText ? "…" : "")
    }
  }

  private static let maximumText = 4096
  private static let secretWords = [
    "password", "passwd", "pwd", "secret", "token", "digest", "apikey", "api_key", "authorization", "private",
  ]

  private static func printable(_ bytes: [UInt8]) -> String {
    PlainText.line(String(decoding: Redaction.maskingTokens(in: bytes), as: UTF8.self))
  }
}
