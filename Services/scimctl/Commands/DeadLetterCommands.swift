import ArgumentParser
import Foundation
import Kafka
import Models
import Postgres
import ProvisioningLog
import SCIM
import ServiceKit

/// `scimctl dead-letters …`
struct DeadLetterCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters", abstract: "Messages that a service could not handle, or that the broker rejected.",
    discussion: """
      They are kept for 30 days, on the topics *.dead-letters or, where Kafka rejects them, in the database. Repair the cause first, then \
      replay them, or drop those that are not needed any more.
      """,
    subcommands: [ListDeadLetters.self, ShowDeadLetter.self, ReplayDeadLetter.self, DropDeadLetter.self])
}

/// `scimctl dead-letters list`
struct ListDeadLetters: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List dead letters, the latest last: id, time, service, type, workspace, attempts, bytes, where it is, state, error.")

  @Option(help: "Only those of this service: identity-store, invitation-mailer or group-sync.")
  var consumer: String?

  @Flag(help: "Also those that were replayed or dropped.")
  var all = false

  @Option(help: "The most to list, the latest.")
  var limit = 100

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit has to be from 1 to 100000.") }
    if let consumer, !DeadLetterRepository.consumers.contains(where: { $0.0 == consumer }) {
      throw ValidationError(
        "'\(consumer)' is no service with dead letters: \(DeadLetterRepository.consumers.map(\.0).joined(separator: ", ")).")
    }
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (letters, slugs) = try await withDeadLetters(settings) { repository in
      (try await repository.all(of: consumer), try await WorkspaceSlugs(on: repository.pool))
    }
    let listed = letters.filter { all || $0.outcome == nil }.suffix(limit)
    if json {
      for letter in listed { print(letter.json(slugs)) }
    } else {
      var table = Table()
      for letter in listed { table.append(letter.cells(slugs)) }
      table.print()
    }
  }
}

/// `scimctl dead-letters show ID`
struct ShowDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a dead letter with its headers and its data, without secrets.")

  @Argument(help: "The id, or the beginning of it, as 'scimctl dead-letters list' shows it.")
  var id: String

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (letter, slugs) = try await withDeadLetters(settings) { repository in
      (try await repository.letter(id), try await WorkspaceSlugs(on: repository.pool))
    }
    letter.description(slugs).print()
    print("")
    print(letter.data)
  }
}

/// `scimctl dead-letters replay ID`
struct ReplayDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send a dead letter to its topic again, after its cause was repaired, and mark it as replayed.",
    discussion: """
      A command goes without its deadline. Its sender was answered 500 and may have sent it again since: look at the resource first. An event \
      that the broker rejected was replaced by one without its large fields, and consumers ignore what is not newer: 'scimctl rebuild' \
      publishes the present state.
      """)

  @Argument(help: "The id, or the beginning of it, as 'scimctl dead-letters list' shows it.")
  var id: String

  func run() async throws {
    let settings = try await Settings.forWriting()
    let who = try DeadLetter.operatorName(settings)
    let (letter, slugs) = try await withDeadLetters(settings) { repository in
      let letter = try await repository.whole(try await repository.letter(id).unhandled())
      guard let topic = DeadLetter.topics.first(where: { $0.name == letter.topic }) else {
        throw Failure(
          .refused,
          "dead letter \(letter.id) names no topic of the suite as its origin, but '\(letter.topic)'. Drop it: scimctl dead-letters drop \(letter.id)"
        )
      }
      let brokers = try await Brokers.reached(settings, topics: [topic])
      try await repository.settle(letter, as: "replayed", by: who) { try await brokers.send(letter.replay) }
      return (letter, try await WorkspaceSlugs(on: repository.pool))
    }
    print("\(letter.workspacePrefix(slugs))dead letter \(letter.id) sent to \(letter.topic)")
  }
}

/// `scimctl dead-letters drop ID …`
struct DropDeadLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "Mark dead letters as dropped: they are listed with --all only, and doctor does not count them.")

  @Argument(help: "The ids, or their beginnings, as 'scimctl dead-letters list' shows them.")
  var ids: [String]

  func run() async throws {
    let settings = try await Settings.forWriting()
    let who = try DeadLetter.operatorName(settings)
    try await withDeadLetters(settings) { repository in
      let letters = try await repository.all()
      let slugs = try await WorkspaceSlugs(on: repository.pool)
      for id in ids {
        let letter = try DeadLetterRepository.choose(id, from: letters).unhandled()
        try await repository.settle(letter, as: "dropped", by: who) {}
        print("\(letter.workspacePrefix(slugs))dead letter \(letter.id) dropped")
      }
    }
  }
}

/// Runs `body` with the dead letters of the suite.
///
/// - Throws: Whatever `body` throws; ``Failure`` where no broker answers.
private func withDeadLetters<Value: Sendable>(
  _ settings: ServiceSettings, _ body: (DeadLetterRepository) async throws -> Value
) async throws -> Value {
  let brokers = try await Brokers.reached(settings, topics: [])
  let reader = TopicReader(brokers.configuration, logger: brokers.logger)
  return try await withDatabase(settings) { try await body(DeadLetterRepository(reader: reader, pool: $0)) }
}

/// The slugs of the workspaces there are.
struct WorkspaceSlugs: Sendable {
  private var slugs: [WorkspaceID: String] = [:]

  init(_ slugs: [WorkspaceID: String] = [:]) {
    self.slugs = slugs
  }

  init(on pool: PostgresPool) async throws {
    for row in try await pool.query(Queries.workspaces) { slugs[WorkspaceID(try row.uuid(1))] = try row.string(0) }
  }

  /// What people call the workspace; its id where it is not there.
  func name(of workspace: WorkspaceID) -> String { slugs[workspace] ?? "\(workspace)" }
}

extension DeadLetter {
  /// Those that a dead letter may go back to.
  static let topics: [Topic] = [
    .identityCommands, .identityEvents, .signInEvents, .mailEvents, .provisioningLog, .invitationEvents, .directoryEvents, .securityEvents,
  ]

  /// What a replay or a drop is recorded under.
  static func operatorName(_ settings: ServiceSettings) throws -> String {
    Command.Actor.operator(try Operator.name(settings)).rawValue
  }

  /// Says whose the dead letter is; empty where its message names no workspace.
  func workspacePrefix(_ slugs: WorkspaceSlugs) -> String { workspace.map { "Workspace \(slugs.name(of: $0)): " } ?? "" }

  var state: String { outcome?.name ?? "open" }

  /// The letter itself.
  ///
  /// - Throws: ``Failure`` where somebody has handled it.
  func unhandled() throws -> DeadLetter {
    guard let outcome else { return self }
    throw Failure(
      .alreadyThere, "dead letter \(id) was \(outcome.name) by \(outcome.who) at \(Timestamp.text(outcome.at)); there is nothing left to do"
    )
  }

  func cells(_ slugs: WorkspaceSlugs) -> [String?] {
    [
      id, at.map(Timestamp.text), consumer, type, workspace.map(slugs.name), attempts.map(String.init), String(size), kind.rawValue, state,
      String(error.prefix(200)),
    ]
  }

  func json(_ slugs: WorkspaceSlugs) -> String {
    var object: JSONObject = [
      "id": .string(id), "consumer": .string(consumer), "kept": .string(kind.rawValue), "location": .string(location),
      "topic": .string(topic), "size": .integer(Int64(size)), "error": .string(error), "state": .string(state),
    ]
    object["at"] = at.map { .string(Timestamp.text($0)) }
    object["type"] = type.map(JSON.string)
    object["workspace"] = workspace.map { .string(slugs.name(of: $0)) }
    object["attempts"] = attempts.map { .integer(Int64($0)) }
    return String(decoding: object.serialized(), as: UTF8.self)
  }

  func description(_ slugs: WorkspaceSlugs) -> Table {
    var table = Table()
    table.append(["id", id])
    table.append(["state", outcome.map { "\($0.name) by \($0.who) at \(Timestamp.text($0.at))" } ?? "open"])
    table.append(["time", at.map(Timestamp.text)])
    table.append(["service", consumer])
    table.append(["kept at", location])
    table.append(["workspace", workspace.map(slugs.name)])
    table.append([
      kind == .event ? "to topic" : "from topic", origin.map { "\(topic), partition \($0.partition), offset \($0.offset)" } ?? topic,
    ])
    table.append(["attempts", attempts.map(String.init)])
    table.append(["error", error])
    table.append(["key", key.map { Self.printable($0) }])
    table.append(["bytes", isWhole ? "\(size)" : "\(size), of which the first \(payload.count) are stored"])
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
      // In what is no JSON, or only the beginning of it, a secret cannot be told from the rest.
      let lowercased = text.lowercased()
      guard !Self.secretWords.contains(where: { lowercased.contains($0) }) else {
        return "(\(payload.count) bytes that are not JSON, or not whole, and mention a secret: not shown)"
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
