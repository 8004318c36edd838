import Crypto
import Foundation
import Kafka
import Logging
import Models
import Postgres
import Primitives
import ServiceLifecycle

/// Applies started imports of accounts (``AccountImportStart``), the imports of one workspace one after the other.
///
/// An import is validated as a whole against the stored accounts, which only imports change. Then its lines are sent to identity-store as
/// ``AccountChunk`` commands. Each stores the position in its transaction, so that another process can continue after a crash.
struct AccountImportRunner: Service {
  let pool: PostgresPool
  let producer: Producer
  /// The source of the commands, such as `identity-store/0`.
  let source: String
  let logger: Logger
  /// The polling interval for imports.
  var interval = Duration.seconds(2)

  private static let chunksInFlight = 4
  private static let validatedLines = 5000
  /// The time limit of a few chunks.
  private static let chunkTimeout = Duration.seconds(300)
  /// How long a claim is valid without renewal, in seconds. Then another process may take over.
  private static let claim = 60.0
  /// The most errors that are stored.
  private static let maximumErrors = 1000

  private struct Claimed {
    let workspace: WorkspaceID
    let id: CommandID
    var position: Int
    let lines: Int
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await runNext() { continue }
        } catch {
          if !Task.isCancelled { logger.warning("account import interrupted; will retry", metadata: ["error": "\(error)"]) }
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// Applies the next import, and returns whether there was one.
  func runNext() async throws -> Bool {
    guard let row = try await pool.query(AccountImportStatements.claim, [.text(source), .double(Self.claim)]).first else { return false }
    var claimed = Claimed(
      workspace: WorkspaceID(try row.uuid(0)), id: CommandID(try row.uuid(1)), position: try row.int(2),
      lines: try row.optionalInt(3) ?? 0)
    let metadata: Logger.Metadata = ["workspace": "\(claimed.workspace)", "import": "\(claimed.id)"]
    logger.notice("account import started", metadata: metadata)
    let conflicts = try await conflicts(of: claimed)
    guard conflicts.isEmpty else {
      try await finish(claimed, .failed, errors: conflicts)
      logger.notice("account import refused", metadata: metadata)
      return true
    }
    while true {
      let lines = try await lines(of: claimed)
      guard let last = lines.last else { break }
      if let failure = try await apply(lines, of: claimed) {
        try await finish(claimed, .failed, errors: [failure])
        logger.warning("account import failed", metadata: metadata.merging(["error": "\(failure.detail)"]) { $1 })
        return true
      }
      claimed.position = last.number
    }
    try await finish(claimed, .done, errors: [])
    logger.notice("account import finished", metadata: metadata)
    return true
  }

  /// An error of an import, as the management API returns it.
  struct Failure: Sendable, Equatable, Encodable {
    var line: Int
    var detail: String
  }

  /// The lines that conflict with stored accounts, which are not removed by this import.
  private func conflicts(of claimed: Claimed) async throws -> [Failure] {
    var failures: [Failure] = []
    var after = 0
    let row = try await pool.query(AccountImportStatements.counts, [.uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid)]).first
    let (last, count) = (try row?.int(0) ?? 0, try row?.int(1) ?? 0)
    guard count == claimed.lines else {
      return [Failure(line: 1, detail: "\(count) of \(claimed.lines) lines were stored. Send the file again.")]
    }
    while after < last, failures.count < Self.maximumErrors {
      try await renew(claimed)
      let rows = try await pool.query(
        AccountImportStatements.conflicts,
        [
          .uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .int(Int64(after)), .int(Int64(after + Self.validatedLines)),
          .int(Int64(Self.maximumErrors)),
        ])
      failures += try rows.map { row in
        Failure(
          line: try row.int(0),
          detail: AccountConflict.detail(account: try row.string(1), attribute: try row.string(2), other: try row.string(3)))
      }
      after += Self.validatedLines
    }
    return Array(failures.prefix(Self.maximumErrors))
  }

  private func lines(of claimed: Claimed) async throws -> [AccountStaging.Line] {
    try await pool.query(
      AccountImportStatements.lines,
      [
        .uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .int(Int64(claimed.position)),
        .int(Int64(AccountChunk.maximumLines * Self.chunksInFlight)),
      ]
    ).map { row in
      let state = try row.string(4)
      guard let state = ImportedAccount.State(rawValue: state) else { throw UnknownAccountState(state: state) }
      return AccountStaging.Line(
        number: try row.int(0),
        account: ImportedAccount(
          id: try row.string(1), email: try row.string(2), externalID: try row.optionalString(3), state: state))
    }
  }

  /// Sends lines as commands, and returns when all have been processed: the failure if one was refused.
  private func apply(_ lines: [AccountStaging.Line], of claimed: Claimed) async throws -> Failure? {
    let now = Date()
    var commands: [Command] = []
    for start in stride(from: 0, to: lines.count, by: AccountChunk.maximumLines) {
      let part = Array(lines[start..<min(start + AccountChunk.maximumLines, lines.count)])
      let chunk = AccountChunk(importID: claimed.id, lines: part, users: try await users(of: part, in: claimed.workspace))
      commands.append(
        Command(
          id: Self.commandID(of: claimed.id, from: part.first?.number ?? 0), workspace: claimed.workspace,
          resource: claimed.workspace.resource, actor: .service("identity-store"), issuedAt: now, operation: .applyAccounts(chunk)))
    }
    try await producer.send(
      contentsOf: try commands.map { command in
        OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description)
      })
    return try await outcome(of: commands, for: claimed, from: lines.first?.number ?? 0)
  }

  /// Users with the external ids of the lines, if the policy compares these, and users of accounts that are removed.
  private func users(of lines: [AccountStaging.Line], in workspace: WorkspaceID) async throws -> [UserID] {
    let kept = lines.map(\.account).filter { $0.state != .deleted }
    let removed = lines.map(\.account).filter { $0.state == .deleted }
    return try await pool.query(
      AccountImportStatements.users,
      [.uuid(workspace.uuid), .textArray(kept.flatMap { [$0.id] + ($0.externalID.map { [$0] } ?? []) }), .textArray(removed.map(\.id))]
    ).map { UserID(try $0.uuid(0)) }
  }

  /// The same for the same lines, so that a chunk that is sent again is applied once.
  static func commandID(of id: CommandID, from line: Int) -> CommandID {
    CommandID(bytes: SHA256.hash(data: Array("apply-accounts \(id) \(line)".utf8)))
  }

  private func outcome(of commands: [Command], for claimed: Claimed, from line: Int) async throws -> Failure? {
    let deadline = ContinuousClock.now + Self.chunkTimeout
    var renewedAt = ContinuousClock.now
    while true {
      let row = try await pool.query(
        AccountImportStatements.answered, [.uuid(claimed.workspace.uuid), .uuidArray(commands.map(\.id.uuid))]
      ).first
      let (answered, done, refusal) = (try row?.int(0) ?? 0, try row?.int(1) ?? 0, try row?.optionalString(2))
      if done < answered { return Failure(line: line, detail: Self.detail(ofRefusal: refusal)) }
      if answered == commands.count { return nil }
      guard .now < deadline else {
        return Failure(line: line, detail: "The lines from \(line) on could not be applied; see the dead letters of identity-store.")
      }
      try await Task.sleep(for: .milliseconds(50))
      if .now - renewedAt > .seconds(Self.claim / 3) {
        renewedAt = .now
        try await renew(claimed)
      }
    }
  }

  /// The detail of a recorded SCIM error.
  private static func detail(ofRefusal error: String?) -> String {
    guard let error else { return "A part of the import was refused." }
    struct Recorded: Decodable { var detail: String }
    do { return try JSONDecoder().decode(Recorded.self, from: Data(error.utf8)).detail } catch {
      return "A part of the import was refused."
    }
  }

  /// - Throws: ``ImportTakenOver`` if another process has the claim.
  private func renew(_ claimed: Claimed) async throws {
    let rows = try await pool.query(
      AccountImportStatements.renew, [.uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .text(source), .double(Self.claim)])
    guard !rows.isEmpty else { throw ImportTakenOver() }
  }

  private func finish(_ claimed: Claimed, _ status: AccountImportRecord.Status, errors: [Failure]) async throws {
    let text = errors.isEmpty ? nil : String(decoding: try JSONData.encode(errors), as: UTF8.self)
    let rows = try await pool.query(
      AccountImportStatements.finish,
      [
        .uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .text(source), .text(status.rawValue),
        .optional(text, PostgresValue.text),
      ])
    guard !rows.isEmpty else { throw ImportTakenOver() }
  }
}

/// The error for an import that another process has claimed, because this one did not renew its claim in time.
struct ImportTakenOver: Error {}
