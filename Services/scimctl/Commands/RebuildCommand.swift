import ArgumentParser
import Foundation
import Models

/// `scimctl rebuild`, which publishes the present state again.
struct RebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Publish the present state again, for consumers that lost it.",
    discussion: """
      All services continue to work. Consumers ignore what they have already; lost or changed rows are corrected, including those of deleted \
      users and groups. An interrupted rebuild can be run again. With --user or --group, only those are published. Through a server, rows \
      that only the directory has stay; with --direct they are removed.

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
    let (users, groups) = (user.map(\.user), group.map(\.group))
    try await withAdministration { administration in
      let selected = try await workspaces.resolve(administration)
      guard users.isEmpty, groups.isEmpty else {
        guard selected.count == 1, let workspace = selected.first else {
          throw ScimctlError(.usage, "--user and --group require --workspace SLUG")
        }
        let counts = try await administration.rebuild(users: users, groups: groups, of: workspace, invitations: invitations)
        return Self.report(workspace, counts)
      }
      let published = try await administration.rebuild(
        selected, includesDeployment: workspaces.selectsAll(administration), invitations: invitations, report: Self.report)
      if workspaces.slug == nil, published.workspaces > 1 { print("Published again: \(published)") }
    }
  }

  @Sendable private static func report(_ workspace: StoredWorkspace, _ counts: WorkspaceRebuild.Summary?) {
    print("Workspace \(workspace.settings.slug): published again\(counts.map { ": \($0)" } ?? "")")
    // Output to a pipe is buffered otherwise.
    fflush(nil)
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
