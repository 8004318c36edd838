import ArgumentParser
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl held …`
struct HeldCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "held", abstract: "Changes of the identity provider that wait for approval.",
    discussion: "'scimctl workspace guard' says which changes wait. The identity provider was answered as if they had been made.",
    subcommands: [ListHeld.self, ShowHeld.self, ApproveHeld.self, RejectHeld.self])
}

/// `scimctl held list`
struct ListHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List held changes: id, status, since when, what would happen, to whom or what.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(help: "Those that were decided too.")
  var all = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let changes = try await withDatabase(settings) { pool in
      try await HeldChange.list(in: workspace.resolve(settings, on: pool).id, onlyPending: !all, on: pool)
    }
    var table = Table()
    for change in changes {
      table.append(["\(change.id)", change.status, Timestamp.text(change.heldAt), change.effect, change.name ?? "\(change.resource)"])
    }
    table.print()
  }
}

/// `scimctl held show ID`
struct ShowHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a held change, and who would leave the group.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The change's id, as 'scimctl held list' shows it, or its beginning.", transform: HeldChange.id)
  var id: IDPrefix

  func run() async throws {
    let settings = try await Settings.forReading()
    let (change, leaving, told) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let change = try await HeldChange.found(id, in: workspace, on: pool)
      let rows = try await pool.query(HeldChange.leavingStatement, [.uuid(workspace.id.uuid), .uuid(change.id.uuid)])
      let told = try await pool.query(HeldChange.toldStatement, [.uuid(workspace.id.uuid), .uuid(change.id.uuid)]).first
      return (change, try rows.map { try $0.string(0) }, try told.map(HeldChange.told))
    }
    var table = Table()
    table.append(["id", "\(change.id)"])
    table.append(["status", change.status])
    table.append(["effect", change.effect])
    table.append([change.kind.isOfGroup ? "group" : "user", "\(change.name ?? "(deleted)"), \(change.resource)"])
    table.append(["asked for by", change.requestedBy])
    table.append(["since", Timestamp.text(change.heldAt)])
    table.append(["last asked for", Timestamp.text(change.askedAt)])
    table.append(["administrator", told ?? "not told: the mailer has not heard of it yet"])
    if let decidedAt = change.decidedAt { table.append(["decided", "\(Timestamp.text(decidedAt)), \(change.decidedBy ?? "-")"]) }
    table.print()
    for person in leaving { print("leaves: \(PlainText.line(person))") }
  }
}

/// `scimctl held approve ID …`
struct ApproveHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "approve", abstract: "Carry held changes out.")

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.carryOut(.approve, "approved") }
}

/// `scimctl held reject ID …`
struct RejectHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject", abstract: "Leave people where they are, also when the identity provider asks for the same again.",
    discussion: "A rejected change ends when the identity provider says something else of the user or group; until then it can be approved."
  )

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.carryOut(.reject, "rejected") }
}

/// Which held changes are decided.
struct HeldDecision: ParsableArguments {
  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The changes' ids, as 'scimctl held list' shows them, or their beginnings.", transform: HeldChange.id)
  var ids: [IDPrefix] = []

  @Flag(help: "Every change of the workspace that waits.")
  var all = false

  func validate() throws {
    if ids.isEmpty != all { throw ValidationError("Name the changes by their ids, or all that wait with --all.") }
  }

  func carryOut(_ verdict: HeldChangeDecision.Verdict, _ done: String) async throws {
    let settings = try await Settings.forWriting()
    let (slug, count) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let slug = workspace.settings.slug
      let changes = try await chosen(in: workspace, on: pool)
      let store = try await CommandClient(settings, pool: pool)
      try await store.hold { store in
        for change in changes {
          try await store.carryOut(
            .decideHeldChange(HeldChangeDecision(change: change.id, verdict: verdict)), on: change.resource, in: workspace.id)
          print("Workspace \(slug): \(change.id) \(done): \(PlainText.line(change.name ?? "\(change.resource)"))")
        }
      }
      return (slug, changes.count)
    }
    if count == 0 { print("Workspace \(slug): no change waits") }
  }

  private func chosen(in workspace: KnownWorkspace, on pool: PostgresPool) async throws -> [HeldChange] {
    guard !all else { return try await HeldChange.list(in: workspace.id, onlyPending: true, on: pool) }
    var changes: [HeldChange] = []
    for id in ids { changes.append(try await HeldChange.found(id, in: workspace, on: pool)) }
    return changes
  }
}

/// A row of identity_read.held_changes.
struct HeldChange: Sendable {
  var id: HeldChangeID
  var resource: ResourceID
  var kind: HeldChangeKind
  var name: String?
  var members: Int?
  var leaving: Int
  var requestedBy: String
  var heldAt: Date
  var askedAt: Date
  var status: String
  var decidedBy: String?
  var decidedAt: Date?

  /// What would happen, in words.
  var effect: String {
    switch kind {
    case .membersRemoved: "\(leaving) of \(members ?? 0) members leave"
    case .groupDeleted: "is deleted, with \(members ?? 0) members"
    case .userDisabled: "is disabled"
    case .userDeleted: "is deleted"
    }
  }

  @Sendable static func id(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: ids) }

  private static let ids = "scimctl held list --all"

  static func list(in workspace: WorkspaceID, onlyPending: Bool, on pool: PostgresPool) async throws -> [HeldChange] {
    try await pool.query(listStatement, [.uuid(workspace.uuid), .bool(onlyPending), .null]).map(HeldChange.init)
  }

  /// - Throws: ``Failure`` where the workspace has none whose id begins so, or several.
  static func found(_ prefix: IDPrefix, in workspace: KnownWorkspace, on pool: PostgresPool) async throws -> HeldChange {
    let id = try await prefix.resolve("held change", list: ids, in: workspace, on: pool, Queries.heldChangeIDs)
    guard let row = try await pool.query(listStatement, [.uuid(workspace.id.uuid), .bool(false), .uuid(id)]).first else {
      throw Failure(.notFound, "workspace \(workspace.settings.slug) has no held change '\(prefix.text)'. '\(ids)' shows those it has")
    }
    return try HeldChange(row)
  }

  private init(_ row: Row) throws {
    let kind = try row.string(2)
    guard let known = HeldChangeKind(rawValue: kind) else {
      throw Failure(.unavailable, "the kind '\(kind)' of a held change is newer than this scimctl")
    }
    self.init(
      id: HeldChangeID(try row.uuid(0)), resource: ResourceID(try row.uuid(1)), kind: known, name: try row.optionalString(3),
      members: try row.optionalInt(4), leaving: try row.int(5), requestedBy: try row.string(6), heldAt: try row.timestamp(7),
      askedAt: try row.timestamp(8), status: try row.string(9), decidedBy: try row.optionalString(10),
      decidedAt: try row.optionalTimestamp(11))
  }

  private init(
    id: HeldChangeID, resource: ResourceID, kind: HeldChangeKind, name: String?, members: Int?, leaving: Int, requestedBy: String,
    heldAt: Date, askedAt: Date, status: String, decidedBy: String?, decidedAt: Date?
  ) {
    self.id = id
    self.resource = resource
    self.kind = kind
    self.name = name
    self.members = members
    self.leaving = leaving
    self.requestedBy = requestedBy
    self.heldAt = heldAt
    self.askedAt = askedAt
    self.status = status
    self.decidedBy = decidedBy
    self.decidedAt = decidedAt
  }

  private static let listStatement = Statement(
    "held changes",
    """
    select
      id, resource_id, kind, name, members, cardinality(leaving), requested_by, held_at, asked_at, status, decided_by, decided_at
    from identity_read.held_changes
    where workspace_id = $1
    and (status = 'pending' or not $2::bool)
    and ($3::uuid is null or id = $3)
    order by id
    """)

  static let toldStatement = Statement(
    "who was told of a held change",
    """
    select state, changed_at, answer
    from mailer_read.held_changes
    where workspace_id = $1
    and id = $2
    """)

  /// Whether an administrator was mailed about it, in words.
  static func told(_ row: Row) throws -> String {
    guard let state = try row.optionalString(0), let changedAt = try row.optionalTimestamp(1) else { return "is told with the next mail" }
    let answer = try row.optionalString(2).map { ": \($0)" } ?? ""
    switch state {
    case "sent": return "told \(Timestamp.text(changedAt))\(answer)"
    case "scheduled", "sending": return "is being told\(answer)"
    default: return "not told, the mail \(state) \(Timestamp.text(changedAt))\(answer)"
    }
  }

  static let leavingStatement = Statement(
    "who leaves by a held change",
    """
    select coalesce(u.user_name, member::text)
    from identity_read.held_changes h
    cross join unnest(h.leaving) as member
    left join identity_read.users u on u.workspace_id = h.workspace_id and u.id = member
    where h.workspace_id = $1
    and h.id = $2
    order by 1
    """)
}
