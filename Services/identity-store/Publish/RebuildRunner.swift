import Foundation
import Kafka
import Logging
import Models
import Postgres
import Primitives
import ServiceLifecycle

/// Republishes the state of every workspace when a consumer requests it, or of one workspace when an administrator does (``Rebuild``).
///
/// The work is split by workspace and page, and sent to identity-store as ``Restatement`` commands, a few at a time. The position is stored
/// after each page, so that another process can continue. Publishing a page twice is harmless.
struct RebuildRunner: Service {
  let pool: PostgresPool
  let producer: Producer
  /// The source of the commands, such as `identity-store/0`.
  let source: String
  let logger: Logger
  /// The polling interval for requests.
  var interval = Duration.seconds(5)

  private static let usersPerCommand = 500
  private static let groupsPerPage = 200
  private static let commandsInFlight = 4
  /// The outbox size at which the rebuild pauses, so that current events do not queue behind many restated ones.
  private static let maximumOutboxEvents = 20_000
  /// The time limit of a page: a dead-lettered command must not block the rest.
  private static let pageTimeout = Duration.seconds(600)
  /// How long a claim is valid without renewal, in seconds. Then another process may take over.
  private static let claim = 60.0

  /// The position of a rebuild: the resources of a workspace up to an id.
  struct Position: Sendable, Equatable {
    enum Stage: String, Sendable {
      case workspace
      case users
      case groups
    }

    var workspace: UUID?
    var stage = Stage.workspace
    var after = Self.lowest

    static let lowest = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  }

  private struct Claimed {
    let id: UUID
    let invitations: Restatement.Invitations
    /// The only workspace to republish; `nil`: all.
    let workspace: UUID?
    var position: Position
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await runNext() { continue }
        } catch {
          if !Task.isCancelled { logger.warning("rebuild interrupted; will retry", metadata: ["error": "\(error)"]) }
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// Executes the next rebuild, and returns whether there was one.
  func runNext() async throws -> Bool {
    guard var rebuild = try await claimed() else { return false }
    logger.notice("rebuild started", metadata: ["rebuild": "\(rebuild.id)"])
    while let next = try await step(rebuild) {
      rebuild.position = next
      guard try await advance(rebuild) else { return true }
    }
    _ = try await advance(rebuild, isFinished: true)
    logger.notice("rebuild finished", metadata: ["rebuild": "\(rebuild.id)"])
    return true
  }

  private func claimed() async throws -> Claimed? {
    guard let row = try await pool.query(RebuildStatements.claim, [.text(source), .double(Self.claim)]).first else { return nil }
    return Claimed(
      id: try row.uuid(0), invitations: Restatement.Invitations(rawValue: try row.string(1)) ?? .none, workspace: try row.optionalUUID(5),
      position: Position(
        workspace: try row.optionalUUID(2), stage: Position.Stage(rawValue: try row.string(3)) ?? .workspace,
        after: try row.optionalUUID(4) ?? Position.lowest))
  }

  private func advance(_ rebuild: Claimed, isFinished: Bool = false) async throws -> Bool {
    let position = rebuild.position
    return try await !pool.query(
      RebuildStatements.advance,
      [
        .uuid(rebuild.id), .text(source), .double(Self.claim), .optional(position.workspace, PostgresValue.uuid),
        .text(position.stage.rawValue), .uuid(position.after), .bool(isFinished),
      ]
    ).isEmpty
  }

  /// Publishes the next page, and returns the position after it; `nil` if it was the last one.
  private func step(_ rebuild: Claimed) async throws -> Position? {
    var position = rebuild.position
    switch position.stage {
    case .workspace:
      // First the webhook endpoints of the whole deployment, unless only one workspace is published.
      if position.workspace == nil, rebuild.workspace == nil {
        try await publish([Restatement(workspace: true)], of: WorkspaceID.deployment.uuid, rebuild)
      }
      let rows = try await pool.query(
        RebuildStatements.nextWorkspace,
        [.uuid(position.workspace ?? Position.lowest), .optional(rebuild.workspace, PostgresValue.uuid)])
      guard let next = try rows.first?.uuid(0) else { return nil }
      try await publish([Restatement(workspace: true)], of: next, rebuild)
      return Position(workspace: next, stage: .users)
    case .users:
      let ids = try await page(RebuildStatements.users, position, Self.usersPerCommand * Self.commandsInFlight)
      let restatements = stride(from: 0, to: ids.count, by: Self.usersPerCommand).map { start in
        Restatement(
          users: ids[start..<min(start + Self.usersPerCommand, ids.count)].map { UserID($0) }, invitations: rebuild.invitations)
      }
      return try await publish(restatements, upTo: ids.last, &position, thenTo: .groups, rebuild)
    case .groups:
      let ids = try await page(RebuildStatements.groups, position, Self.groupsPerPage)
      let restatements = try await plan(ids.map { GroupID($0) }, of: position.workspace ?? Position.lowest).pieces
      return try await publish(restatements, upTo: ids.last, &position, thenTo: .workspace, rebuild)
    }
  }

  private func publish(
    _ restatements: [Restatement], upTo last: UUID?, _ position: inout Position, thenTo stage: Position.Stage, _ rebuild: Claimed
  ) async throws -> Position {
    guard let last else { return Position(workspace: position.workspace, stage: stage) }
    try await publish(restatements, of: position.workspace ?? Position.lowest, rebuild)
    position.after = last
    return position
  }

  private func page(_ statement: Statement, _ position: Position, _ limit: Int) async throws -> [UUID] {
    try await pool.query(
      statement, [.uuid(position.workspace ?? Position.lowest), .uuid(position.after), .int(Int64(limit))]
    ).map { try $0.uuid(0) }
  }

  private func plan(_ groups: [GroupID], of workspace: UUID) async throws -> RestatementPlan {
    let rows = try await pool.query(
      RebuildStatements.cuts,
      [.uuid(workspace), .uuidArray(groups.map(\.uuid)), .int(Int64(GroupChanged.maximumMembersPerEvent))])
    var found: [GroupID: (count: Int, cuts: [UserID])] = [:]
    for row in rows { found[GroupID(try row.uuid(0))] = (try row.int(1), try row.uuidArray(2).map { UserID($0) }) }
    var plan = RestatementPlan()
    for group in groups { plan.add(group, cuts: found[group]?.cuts ?? [], count: found[group]?.count ?? 0) }
    return plan
  }

  /// Sends the restatements, a few at a time, and returns when all have been processed.
  private func publish(_ restatements: [Restatement], of workspace: UUID, _ rebuild: Claimed) async throws {
    for start in stride(from: 0, to: restatements.count, by: Self.commandsInFlight) {
      try await waitForOutbox(rebuild)
      let workspace = WorkspaceID(workspace)
      let now = Date()
      let commands = restatements[start..<min(start + Self.commandsInFlight, restatements.count)].map { restatement in
        Command(
          id: .made(at: now), workspace: workspace, resource: workspace.resource, actor: .service("identity-store"), issuedAt: now,
          operation: .restate(restatement))
      }
      try await producer.send(
        contentsOf: try commands.map { command in
          OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description)
        })
      try await waitForReplies(commands.map(\.id.uuid), in: workspace, rebuild)
    }
  }

  private func waitForReplies(_ ids: [UUID], in workspace: WorkspaceID, _ rebuild: Claimed) async throws {
    let deadline = ContinuousClock.now + Self.pageTimeout
    try await wait(rebuild) {
      let answered = try await pool.query(RebuildStatements.answered, [.uuid(workspace.uuid), .uuidArray(ids)]).first?.int(0) ?? 0
      if answered < ids.count, .now > deadline {
        logger.error(
          "resources were not republished; check the dead letters for their commands",
          metadata: ["workspace": "\(workspace)", "commands": "\(ids.map(UUIDText.text).joined(separator: ", "))"])
        return true
      }
      return answered >= ids.count
    }
  }

  private func waitForOutbox(_ rebuild: Claimed) async throws {
    try await wait(rebuild) {
      try await pool.query(RebuildStatements.waitingEvents, [.int(Int64(Self.maximumOutboxEvents))]).first?.int(0) ?? 0
        < Self.maximumOutboxEvents
    }
  }

  /// Waits for a condition, and renews the claim meanwhile.
  ///
  /// - Throws: ``RebuildTakenOver`` if another process has the claim.
  private func wait(_ rebuild: Claimed, until condition: () async throws -> Bool) async throws {
    var renewedAt = ContinuousClock.now
    while try await !condition() {
      try await Task.sleep(for: .milliseconds(100))
      guard .now - renewedAt > .seconds(Self.claim / 3) else { continue }
      renewedAt = .now
      guard try await advance(rebuild) else { throw RebuildTakenOver() }
    }
  }
}

/// The error for a rebuild that another process has claimed, because this one did not renew its claim in time.
struct RebuildTakenOver: Error {}
