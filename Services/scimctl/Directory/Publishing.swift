import Foundation
import Models
import Postgres

/// Has the state of one workspace published again, piece by piece, several under way.
struct Publishing: Sendable {
  let asking: CommandClient.Asking
  let pool: PostgresPool
  let workspace: KnownWorkspace
  /// What becomes of people who have no invitation on record.
  var invitations = Restatement.Invitations.missing

  private static let usersAtOnce = 500
  private static let groupsAtOnce = 500
  private static let piecesInFlight = 4
  /// While so many events wait to be published nothing is added to them, so that those of the day's work do not wait behind many.
  private static let mostWaiting = 20_000

  /// What was published.
  struct Count: Sendable, CustomStringConvertible {
    var workspaces = 0
    var users = 0
    var groups: Set<GroupID> = []

    static func += (left: inout Count, right: Count) {
      left.workspaces += right.workspaces
      left.users += right.users
      left.groups.formUnion(right.groups)
    }

    var description: String { "workspaces \(workspaces), people \(users), groups \(groups.count)" }
  }

  /// Settings, people, and then groups with their members, for a membership is nobody's without the person.
  func everything() async throws -> Count {
    let totals = try await pool.query(RestatementQueries.totals, [.uuid(workspace.id.uuid)]).first
    var progress = Progress(slug: workspace.settings.slug, users: try totals?.int(0) ?? 0, groups: try totals?.int(1) ?? 0)
    try await publish([Restatement(workspace: true)], &progress)
    try await pages(of: RestatementQueries.users, atOnce: Self.usersAtOnce * Self.piecesInFlight) { ids in
      let pieces = stride(from: 0, to: ids.count, by: Self.usersAtOnce).map { start in
        Restatement(users: ids[start..<min(start + Self.usersAtOnce, ids.count)].map { UserID($0) }, invitations: invitations)
      }
      try await publish(pieces, &progress)
    }
    try await pages(of: RestatementQueries.groups, atOnce: Self.groupsAtOnce) { ids in
      try await publish(try await plan(ids.map { GroupID($0) }).pieces, &progress)
    }
    return progress.count
  }

  func only(users: [UserID], groups: [GroupID]) async throws -> Count {
    var progress = Progress(slug: workspace.settings.slug, users: users.count, groups: groups.count)
    let people = stride(from: 0, to: users.count, by: Self.usersAtOnce).map { start in
      Restatement(users: Array(users[start..<min(start + Self.usersAtOnce, users.count)]), invitations: invitations)
    }
    try await publish(people, &progress)
    try await publish(try await plan(groups).pieces, &progress)
    return progress.count
  }

  private func plan(_ groups: [GroupID]) async throws -> RestatementPlan {
    let rows = try await pool.query(
      RestatementQueries.cuts,
      [.uuid(workspace.id.uuid), .uuidArray(groups.map(\.uuid)), .int(Int64(GroupChanged.maximumMembersPerEvent))])
    var found: [GroupID: (count: Int, cuts: [UserID])] = [:]
    for row in rows { found[GroupID(try row.uuid(0))] = (try row.int(1), try row.uuidArray(2).map { UserID($0) }) }
    var plan = RestatementPlan()
    for group in groups { plan.add(group, cuts: found[group]?.cuts ?? [], count: found[group]?.count ?? 0) }
    return plan
  }

  /// Hands over the ids of `statement`, page by page in their order.
  private func pages(of statement: Statement, atOnce count: Int, _ body: ([UUID]) async throws -> Void) async throws {
    var after = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    while true {
      let rows = try await pool.query(statement, [.uuid(workspace.id.uuid), .uuid(after), .int(Int64(count))])
      let ids = try rows.map { try $0.uuid(0) }
      guard let last = ids.last else { return }
      try await body(ids)
      after = last
    }
  }

  private func publish(_ pieces: [Restatement], _ progress: inout Progress) async throws {
    try await waitForRoom()
    try await withThrowingTaskGroup(of: Restatement.self) { group in
      for (position, piece) in pieces.enumerated() {
        if position >= Self.piecesInFlight, let done = try await group.next() { progress.note(done) }
        group.addTask { [asking, workspace] in
          try await asking.carryOut(.restate(piece), in: workspace.id)
          return piece
        }
      }
      for try await done in group { progress.note(done) }
    }
  }

  private func waitForRoom() async throws {
    while try await pool.query(RestatementQueries.waitingEvents).first?.int(0) ?? 0 > Self.mostWaiting {
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

/// How far it has come, said on standard error every now and then.
private struct Progress {
  let slug: String
  /// About how many there are.
  let users: Int
  let groups: Int
  private(set) var count = Publishing.Count()
  private var saidAt = ContinuousClock.now

  private static let interval = Duration.seconds(2)

  init(slug: String, users: Int, groups: Int) {
    self.slug = slug
    self.users = users
    self.groups = groups
  }

  mutating func note(_ piece: Restatement) {
    count.workspaces += piece.workspace ? 1 : 0
    count.users += piece.users.count
    count.groups.formUnion(piece.groups.map(\.group))
    guard ContinuousClock.now - saidAt > Self.interval else { return }
    saidAt = .now
    let line = "scimctl: \(slug): \(count.users) of about \(users) people, \(count.groups.count) of about \(groups) groups\n"
    FileHandle.standardError.write(Data(line.utf8))
  }
}
