import ArgumentParser
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl held`, the commands for held changes.
struct HeldCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "held", abstract: "Changes of the identity provider that wait for approval.",
    discussion: "'scimctl workspace guard' sets which changes wait. The identity provider received a success response for them.",
    subcommands: [ListHeld.self, ShowHeld.self, ApproveHeld.self, RejectHeld.self])
}

/// `scimctl held list`, which lists held changes.
struct ListHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List held changes: id, status, since, effect, user or group.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(help: "Include decided changes.")
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

/// `scimctl held show ID`, which shows a held change.
struct ShowHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a held change, and which members would leave the group.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the change, or its first characters; see 'scimctl held list'.", transform: HeldChange.id)
  var id: IDPrefix

  func run() async throws {
    let settings = try await Settings.forReading()
    let (change, leaving, notice) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let change = try await HeldChange.named(id, in: workspace, on: pool)
      let rows = try await pool.query(HeldChangeQueries.leavingMembers, [.uuid(workspace.id.uuid), .uuid(change.id.uuid)])
      let notice = try await pool.query(HeldChangeQueries.notice, [.uuid(workspace.id.uuid), .uuid(change.id.uuid)]).first
      return (change, try rows.map { try $0.string(0) }, try notice.map(HeldChange.noticeDescription))
    }
    var table = Table()
    table.append(["id", "\(change.id)"])
    table.append(["status", change.status])
    table.append(["effect", change.effect])
    table.append([change.kind.isOfGroup ? "group" : "user", "\(change.name ?? "(deleted)"), \(change.resource)"])
    table.append(["requested by", change.requestedBy])
    table.append(["since", Timestamp.text(change.heldAt)])
    table.append(["last requested", Timestamp.text(change.requestedAt)])
    table.append(["administrator", notice ?? "not notified: the mailer has not received the event yet"])
    if let decidedAt = change.decidedAt { table.append(["decided", "\(Timestamp.text(decidedAt)), \(change.decidedBy ?? "-")"]) }
    table.print()
    for member in leaving { print("leaves: \(PlainText.line(member))") }
  }
}

/// `scimctl held approve ID …`, which approves held changes.
struct ApproveHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "approve", abstract: "Approve held changes, which executes them.")

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.execute(.approve, "approved") }
}

/// `scimctl held reject ID …`, which rejects held changes.
struct RejectHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject", abstract: "Reject held changes, also if the identity provider requests them again.",
    discussion: "A rejected change can still be approved until the identity provider sends something else for the user or group."
  )

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.execute(.reject, "rejected") }
}

/// The arguments of `held approve` and `held reject`.
struct HeldDecision: ParsableArguments {
  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The ids of the changes, or their first characters; see 'scimctl held list'.", transform: HeldChange.id)
  var ids: [IDPrefix] = []

  @Flag(help: "Decide all waiting changes of the workspace.")
  var all = false

  func validate() throws {
    if ids.isEmpty != all { throw ValidationError("Give the ids of the changes, or --all.") }
  }

  /// Sends the decision on each change, and prints a line for it.
  ///
  /// - Parameter done: The participle for the output, such as "approved".
  func execute(_ verdict: HeldChangeDecision.Verdict, _ done: String) async throws {
    let settings = try await Settings.forWriting()
    let (slug, count) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let slug = workspace.settings.slug
      let changes = try await selected(in: workspace, on: pool)
      try await withCommandClient(settings, pool: pool) { client in
        for change in changes {
          try await client.execute(
            .decideHeldChange(HeldChangeDecision(change: change.id, verdict: verdict)), on: change.resource, in: workspace.id)
          print("Workspace \(slug): \(change.id) \(done): \(PlainText.line(change.name ?? "\(change.resource)"))")
        }
      }
      return (slug, changes.count)
    }
    if count == 0 { print("Workspace \(slug): no changes wait") }
  }

  private func selected(in workspace: StoredWorkspace, on pool: PostgresPool) async throws -> [HeldChange] {
    guard !all else { return try await HeldChange.list(in: workspace.id, onlyPending: true, on: pool) }
    var changes: [HeldChange] = []
    for id in ids { changes.append(try await HeldChange.named(id, in: workspace, on: pool)) }
    return changes
  }
}
