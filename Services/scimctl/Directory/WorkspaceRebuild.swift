import Foundation
import Models
import Postgres

/// Makes identity-store publish the state of one workspace again, in several commands at a time.
struct WorkspaceRebuild: Sendable {
  let client: CommandClient
  let pool: PostgresPool
  let workspace: StoredWorkspace
  /// Which invited users without an invitation are invited.
  var invitations = Restatement.Invitations.missing

  private static let usersPerCommand = 500
  private static let groupsPerPlan = 500
  private static let maximumCommandsInFlight = 4
  /// While more events wait to be published, no command is sent, so that the events of ordinary changes are not delayed.
  private static let maximumWaitingEvents = 20_000

  /// The numbers of published resources.
  struct Summary: Sendable, CustomStringConvertible {
    var workspaces = 0
    var users = 0
    var groups: Set<GroupID> = []

    static func += (left: inout Summary, right: Summary) {
      left.workspaces += right.workspaces
      left.users += right.users
      left.groups.formUnion(right.groups)
    }

    var description: String { "workspaces \(workspaces), users \(users), groups \(groups.count)" }
  }

  /// Publishes the settings, then users, then groups with their members. Consumers need a user before its memberships.
  func publishAll() async throws -> Summary {
    let totals = try await pool.query(RebuildQueries.totals, [.uuid(workspace.id.uuid)]).first
    var progress = Progress(slug: workspace.settings.slug, users: try totals?.int(0) ?? 0, groups: try totals?.int(1) ?? 0)
    try await publish([Restatement(workspace: true)], &progress)
    try await forEachPage(of: RebuildQueries.users, pageSize: Self.usersPerCommand * Self.maximumCommandsInFlight) { ids in
      let pieces = stride(from: 0, to: ids.count, by: Self.usersPerCommand).map { start in
        Restatement(users: ids[start..<min(start + Self.usersPerCommand, ids.count)].map { UserID($0) }, invitations: invitations)
      }
      try await publish(pieces, &progress)
    }
    try await forEachPage(of: RebuildQueries.groups, pageSize: Self.groupsPerPlan) { ids in
      try await publish(try await plan(ids.map { GroupID($0) }).pieces, &progress)
    }
    return progress.published
  }

  /// Publishes the given users, then the given groups.
  func publish(users: [UserID], groups: [GroupID]) async throws -> Summary {
    var progress = Progress(slug: workspace.settings.slug, users: users.count, groups: groups.count)
    let pieces = stride(from: 0, to: users.count, by: Self.usersPerCommand).map { start in
      Restatement(users: Array(users[start..<min(start + Self.usersPerCommand, users.count)]), invitations: invitations)
    }
    try await publish(pieces, &progress)
    try await publish(try await plan(groups).pieces, &progress)
    return progress.published
  }

  private func plan(_ groups: [GroupID]) async throws -> RestatementPlan {
    let rows = try await pool.query(
      RebuildQueries.cuts,
      [.uuid(workspace.id.uuid), .uuidArray(groups.map(\.uuid)), .int(Int64(GroupChanged.maximumMembersPerEvent))])
    var found: [GroupID: (count: Int, cuts: [UserID])] = [:]
    for row in rows { found[GroupID(try row.uuid(0))] = (try row.int(1), try row.uuidArray(2).map { UserID($0) }) }
    var plan = RestatementPlan()
    for group in groups { plan.add(group, cuts: found[group]?.cuts ?? [], count: found[group]?.count ?? 0) }
    return plan
  }

  /// Calls `body` with each page of the ids that `statement` finds, in order.
  private func forEachPage(of statement: Statement, pageSize: Int, _ body: ([UUID]) async throws -> Void) async throws {
    var after = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    while true {
      let rows = try await pool.query(statement, [.uuid(workspace.id.uuid), .uuid(after), .int(Int64(pageSize))])
      let ids = try rows.map { try $0.uuid(0) }
      guard let last = ids.last else { return }
      try await body(ids)
      after = last
    }
  }

  private func publish(_ pieces: [Restatement], _ progress: inout Progress) async throws {
    try await waitForOutbox()
    try await withThrowingTaskGroup(of: Restatement.self) { group in
      for (position, piece) in pieces.enumerated() {
        if position >= Self.maximumCommandsInFlight, let done = try await group.next() { progress.add(done) }
        group.addTask { [client, workspace] in
          try await client.execute(.restate(piece), in: workspace.id)
          return piece
        }
      }
      for try await done in group { progress.add(done) }
    }
  }

  /// Waits until few enough events wait to be published.
  private func waitForOutbox() async throws {
    while try await pool.query(RebuildQueries.waitingEvents).first?.int(0) ?? 0 > Self.maximumWaitingEvents {
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

/// Counts what was published, and prints it to standard error every few seconds.
private struct Progress {
  let slug: String
  /// The approximate number of users.
  let users: Int
  /// The approximate number of groups.
  let groups: Int
  private(set) var published = WorkspaceRebuild.Summary()
  private var printedAt = ContinuousClock.now

  private static let interval = Duration.seconds(2)

  init(slug: String, users: Int, groups: Int) {
    self.slug = slug
    self.users = users
    self.groups = groups
  }

  mutating func add(_ piece: Restatement) {
    published.workspaces += piece.workspace ? 1 : 0
    published.users += piece.users.count
    published.groups.formUnion(piece.groups.map(\.group))
    guard ContinuousClock.now - printedAt > Self.interval else { return }
    printedAt = .now
    StandardError.print(
      "scimctl: \(slug): \(published.users) of about \(users) users, \(published.groups.count) of about \(groups) groups")
  }
}
