import Crypto
import Foundation
import Kafka
import Logging
import Models
import Postgres
import ServiceLifecycle

/// Applies started imports of workspaces (``WorkspaceImportStart``), part by part, one import after the other.
///
/// The parts are sent to identity-store as commands. Each stores the position in its transaction, so that another process can continue after
/// a crash. The first part creates the workspace, or is refused together with it.
struct WorkspaceImportRunner: Service {
  let pool: PostgresPool
  let producer: Producer
  /// The source of the commands, such as `identity-store/0`.
  let source: String
  let logger: Logger
  /// The polling interval for imports.
  var interval = Duration.seconds(2)

  /// The time limit of a part.
  private static let partTimeout = Duration.seconds(300)
  /// How long a claim is valid without renewal, in seconds. Then another process may take over.
  private static let claim = 60.0

  private struct Claimed {
    let workspace: WorkspaceID
    let id: CommandID
    let position: Int
    let parts: Int
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await runNext() { continue }
        } catch {
          if !Task.isCancelled { logger.warning("workspace import interrupted; will retry", metadata: ["error": "\(error)"]) }
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// Applies the next import, and returns whether there was one.
  func runNext() async throws -> Bool {
    guard let row = try await pool.query(WorkspaceImportStatements.claim, [.text(source), .double(Self.claim)]).first else { return false }
    let claimed = Claimed(
      workspace: WorkspaceID(try row.uuid(0)), id: CommandID(try row.uuid(1)), position: try row.int(2),
      parts: try row.optionalInt(3) ?? 0)
    let metadata: Logger.Metadata = ["workspace": "\(claimed.workspace)", "import": "\(claimed.id)"]
    logger.notice("workspace import started", metadata: metadata)
    var number = claimed.position + 1
    while number <= claimed.parts {
      if let problem = try await apply(number, of: claimed) {
        try await finish(claimed, .failed, problem: problem)
        logger.warning("workspace import failed", metadata: metadata.merging(["error": "\(problem)"]) { $1 })
        return true
      }
      number += 1
    }
    try await finish(claimed, .done, problem: nil)
    logger.notice("workspace import finished", metadata: metadata)
    return true
  }

  /// Sends a part as a command, and returns when it has been processed: the problem if it was refused.
  private func apply(_ number: Int, of claimed: Claimed) async throws -> String? {
    try await renew(claimed)
    let key: [PostgresValue] = [.uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .int(Int64(number))]
    guard let row = try await pool.query(WorkspaceImportStatements.part, key).first else {
      return "Part \(number) of \(claimed.parts) was not stored. Send the file again."
    }
    let lines: [String] = try JSONData.decode(from: Array(try row.string(1).utf8), type: "part of a workspace's file")
    let part = WorkspaceImportPart(importID: claimed.id, number: number, firstLine: try row.int(0), lines: lines)
    let command = Command(
      id: Self.commandID(of: claimed.id, part: number), workspace: claimed.workspace, resource: claimed.workspace.resource,
      actor: .service("identity-store"), issuedAt: Date(), operation: .applyWorkspace(part))
    try await producer.send(
      contentsOf: [
        OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description)
      ])
    return try await outcome(of: command.id, part: part, for: claimed)
  }

  /// The same for the same part, so that a part that is sent again is applied once.
  static func commandID(of id: CommandID, part: Int) -> CommandID {
    CommandID(bytes: SHA256.hash(data: Array("apply-workspace \(id) \(part)".utf8)))
  }

  private func outcome(of command: CommandID, part: WorkspaceImportPart, for claimed: Claimed) async throws -> String? {
    let deadline = ContinuousClock.now + Self.partTimeout
    var renewedAt = ContinuousClock.now
    while true {
      if let row = try await pool.query(
        WorkspaceImportStatements.answer, [.uuid(claimed.workspace.uuid), .uuid(command.uuid)]
      ).first {
        return try row.bool(0) ? nil : Self.detail(ofRefusal: try row.optionalString(1), part: part)
      }
      guard .now < deadline else {
        return "The lines from \(part.firstLine) on could not be applied; see the dead letters of identity-store."
      }
      try await Task.sleep(for: .milliseconds(50))
      if .now - renewedAt > .seconds(Self.claim / 3) {
        renewedAt = .now
        try await renew(claimed)
      }
    }
  }

  /// The detail of a recorded SCIM error, which names the line.
  private static func detail(ofRefusal error: String?, part: WorkspaceImportPart) -> String {
    struct Recorded: Decodable { var detail: String }
    let unknown = "The lines from \(part.firstLine) on were refused."
    guard let error else { return unknown }
    do { return try JSONDecoder().decode(Recorded.self, from: Data(error.utf8)).detail } catch { return unknown }
  }

  /// - Throws: ``ImportTakenOver`` if another process has the claim.
  private func renew(_ claimed: Claimed) async throws {
    let rows = try await pool.query(
      WorkspaceImportStatements.renew, [.uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .text(source), .double(Self.claim)])
    guard !rows.isEmpty else { throw ImportTakenOver() }
  }

  private func finish(_ claimed: Claimed, _ status: WorkspaceImportRecord.Status, problem: String?) async throws {
    let rows = try await pool.query(
      WorkspaceImportStatements.finish,
      [
        .uuid(claimed.workspace.uuid), .uuid(claimed.id.uuid), .text(source), .text(status.rawValue),
        .optional(problem, PostgresValue.text),
      ])
    guard !rows.isEmpty else { throw ImportTakenOver() }
  }
}
