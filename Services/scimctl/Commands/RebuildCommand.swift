import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl rebuild`, which publishes the present state again.
struct RebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Publish the present state again, for consumers that lost it.",
    discussion: """
      All services continue to work. Consumers ignore what they have already; lost or changed rows are corrected, including those of deleted \
      users and groups. An interrupted rebuild can be run again. With --user or --group, only those are published.

      Invited users without an invitation are invited (--invitations missing) if nobody can have mailed them before, because they were \
      created after the mailer's database. After a loss of that database, 'all' also invites the others, some of whom may have received a \
      mail; 'none' invites nobody. Users who were created longer ago than the validity of the workspace's invitations are never mailed. \
      'scimctl invitation list --missing' lists users without an invitation.
      """)

  @OptionGroup var workspaces: WorkspacesOption

  @Option(help: ArgumentHelp("Publish only this user. May be repeated.", valueName: "id"), transform: { try resourceID($0) })
  var user: [ResourceID] = []

  @Option(help: ArgumentHelp("Publish only this group. May be repeated.", valueName: "id"), transform: { try resourceID($0) })
  var group: [ResourceID] = []

  @Option(help: "Which invited users without an invitation are invited: missing, all or none.")
  var invitations = Restatement.Invitations.missing

  func run() async throws {
    let settings = try await Settings.forWriting()
    let published = try await withDatabase(settings) { pool in
      let workspaces = try await workspaces.resolve(settings, on: pool)
      if !user.isEmpty || !group.isEmpty, workspaces.count != 1 {
        throw ScimctlError(.usage, "--user and --group require --workspace SLUG")
      }
      return try await withCommandClient(settings, pool: pool) { client in
        var published = WorkspaceRebuild.Summary()
        // The webhook endpoints of the whole deployment.
        if self.workspaces.slug ?? settings.optionalString(.workspace) == nil, user.isEmpty, group.isEmpty {
          try await client.execute(.restate(Restatement(workspace: true)), in: .deployment)
        }
        for workspace in workspaces {
          let rebuild = WorkspaceRebuild(client: client, pool: pool, workspace: workspace, invitations: invitations)
          let count =
            user.isEmpty && group.isEmpty
            ? try await rebuild.publishAll() : try await rebuild.publish(users: user.map(\.user), groups: group.map(\.group))
          print("Workspace \(workspace.settings.slug): published again: \(count)")
          published += count
        }
        return published
      }
    }
    if workspaces.slug == nil, published.workspaces != 1 { print("Published again: \(published)") }
  }
}

/// Parses the id of a user or group.
///
/// - Throws: `ValidationError` if `text` is not an id.
func resourceID(_ text: String) throws -> ResourceID {
  guard let id = ResourceID(text) else { throw ValidationError("'\(text)' is not the id of a user or group.") }
  return id
}

extension Restatement.Invitations: ExpressibleByArgument {}
