import ArgumentParser
import Foundation
import Models

/// `scimctl audit`, the commands for the audit trail.
struct AuditCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "The audit trail: who changed settings and tokens, and when.",
    subcommands: [ListAudit.self, ShowAudit.self])
}

/// `scimctl audit list`, which lists entries of the audit trail.
struct ListAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List entries, the latest last: time, actor, action, outcome, target, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only entries of this actor, such as operator:ana.")
  var actor: String?

  @Option(help: "Only entries of this action, such as update-workspace.")
  var action: String?

  @Option(help: ArgumentHelp("Only entries since 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime?

  @Flag(help: "Only rejected actions.")
  var refused = false

  @Option(help: "The maximum number of entries, the latest.")
  var limit = 100

  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be between 1 and 100000.") }
  }

  func run() async throws {
    let selection = AuditSelection(
      actor: actor, action: action, since: since?.time(at: .now), rejectedOnly: refused, limit: limit)
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let rows = try await administration.auditEntries(selection, in: workspace)
      if json {
        for row in rows.reversed() { print(row.json) }
      } else {
        AuditRow.table(of: rows.reversed()).print()
      }
    }
  }
}

/// `scimctl audit show ID`, which shows one entry.
struct ShowAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show an entry with the values before and after.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(
    help: "The id of the entry, or its first characters; see 'scimctl audit list'.",
    transform: { try IDPrefix($0, list: ListedKind.audit.list) })
  var id: IDPrefix

  @Flag(help: "Print a JSON object.")
  var json = false

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let found = try await administration.id(of: .audit, id, in: workspace)
      guard let row = try await administration.auditEntry(CommandID(found), in: workspace) else {
        throw ScimctlError(
          .notFound, "workspace \(workspace.settings.slug) has no such entry. '\(ListedKind.audit.list)' lists the entries")
      }
      if json { print(row.json) } else { row.description.print() }
    }
  }
}
