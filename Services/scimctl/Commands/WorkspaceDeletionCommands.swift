import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl workspace delete SLUG`, which suspends a workspace and schedules its deletion.
struct DeleteWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Suspend a workspace at once, and delete it after 30 days.",
    discussion: """
      All tokens and sessions of the workspace stop working, nothing is mailed, and SCIM is refused. Until the deletion, 'scimctl workspace \
      restore' ends that. The deletion covers users, groups, tokens, logs, invitations, events, webhooks and dead letters in the database; \
      'scimctl workspace deletions' shows the receipt. Needs a deployment-wide token.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Option(help: "The slug again, to confirm the deletion.")
  var confirm: String?

  @Flag(help: "Delete it at once. It cannot be restored.")
  var now = false

  func validate() throws {
    guard confirm == slug else {
      throw ValidationError("This deletes everything of the workspace. Repeat the command with --confirm \(slug).")
    }
  }

  func run() async throws {
    try await withServer(for: "workspace delete") { server in
      let body: JSONObject = ["slug": .string(slug), "now": .bool(now)]
      let scheduled: ScheduledWorkspaceDeletion = try await server.client.post(.workspace(slug, "deletion"), body).decoded(as: "deletion")
      print(
        now
          ? "Workspace \(slug): suspended; its deletion begins within minutes"
          : "Workspace \(slug): suspended; deleted at \(scheduled.dueAt)")
      print(scheduled.topicRetention)
    }
  }
}

/// `scimctl workspace restore SLUG`, which ends the suspension of a workspace.
struct RestoreWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Restore a workspace that is suspended until its deletion.",
    discussion: "Invitations that were due in the meantime have failed; 'scimctl user resend' sends them. Needs a deployment-wide token.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    try await withServer(for: "workspace restore") { server in
      try await server.client.delete(.workspace(slug, "deletion"))
      print("Workspace \(slug): restored")
    }
  }
}

/// `scimctl workspace deletions`, which lists the receipts of deleted workspaces.
struct ListWorkspaceDeletions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deletions", abstract: "List deleted workspaces: slug, state, ordered, finished, deleted rows, by whom, id.")

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withServer(for: "workspace deletions") { server in
      let found = try await server.client.list(of: WorkspaceDeletionRow.self, .admin("workspace-deletions"), "deletions").items
      try output.print(found, as: WorkspaceDeletionRow.table)
    }
  }
}

/// The response to an order to delete a workspace.
struct ScheduledWorkspaceDeletion: Decodable, Sendable {
  var dueAt: String
  var topicRetention: String
}

/// The receipt of a deleted workspace, in the form of the management API.
struct WorkspaceDeletionRow: Codable, Equatable, Sendable {
  var id: WorkspaceID
  var slug: String
  var state: String
  var requestedBy: String
  var requestedAt: Date
  var dueAt: Date
  var finishedAt: Date?
  /// The numbers of deleted rows, by table.
  var deleted: [String: Int]
  var topicRetention: String

  /// One row per workspace.
  static func table(of deletions: [WorkspaceDeletionRow]) -> Table {
    var table = Table("SLUG", "STATE", "ORDERED", "FINISHED", "ROWS", "BY", "ID")
    for deletion in deletions {
      table.append([
        deletion.slug, deletion.state, Timestamp.text(deletion.requestedAt), deletion.finishedAt.map { Timestamp.text($0) },
        "\(deletion.deleted.values.reduce(0, +))", deletion.requestedBy, "\(deletion.id)",
      ])
    }
    return table
  }
}
