import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl rebuild`
struct Rebuild: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have identity-store publish the present state again, for consumers that lost it.",
    discussion: """
      Everything goes on meanwhile. What a consumer holds already changes nothing there, and nobody is told of it; rows that were lost or \
      changed are mended, also those of whoever was deleted. Interrupted, it can be begun again. With --user or --group only those.

      Who is invited, and of whose invitation the mailer has no trace, is invited (--invitations missing) where nobody can have mailed \
      them before: they were created since the mailer's database was begun. After the loss of that database, 'all' invites the others, too, \
      some of whom may have had a mail; 'none' invites nobody. Who was created longer ago than the workspace's invitations are good for is \
      never mailed. 'scimctl invitation list --missing' shows who has no invitation.
      """)

  @OptionGroup var workspaces: WorkspacesOption

  @Option(help: ArgumentHelp("Only this person. May be repeated.", valueName: "id"), transform: { try resourceID($0) })
  var user: [ResourceID] = []

  @Option(help: ArgumentHelp("Only this group. May be repeated.", valueName: "id"), transform: { try resourceID($0) })
  var group: [ResourceID] = []

  @Option(help: "Who is invited of those who are invited and have no invitation on record: missing, all or none.")
  var invitations = Restatement.Invitations.missing

  func run() async throws {
    let settings = try await Settings.forWriting()
    let published = try await withDatabase(settings) { pool in
      let workspaces = try await workspaces.resolve(settings, on: pool)
      if !user.isEmpty || !group.isEmpty, workspaces.count != 1 {
        throw Failure(.usage, "whose are they? Give --workspace SLUG together with --user and --group")
      }
      return try await CommandClient(settings, pool: pool).hold { asking in
        var published = Publishing.Count()
        for workspace in workspaces {
          let publishing = Publishing(asking: asking, pool: pool, workspace: workspace, invitations: invitations)
          let count =
            user.isEmpty && group.isEmpty
            ? try await publishing.everything() : try await publishing.only(users: user.map(\.user), groups: group.map(\.group))
          print("Workspace \(workspace.settings.slug): published again: \(count)")
          published += count
        }
        return published
      }
    }
    if workspaces.slug == nil, published.workspaces != 1 { print("Published again: \(published)") }
  }
}

/// The id of a person or a group, as arguments name it.
func resourceID(_ text: String) throws -> ResourceID {
  guard let id = ResourceID(text) else { throw ValidationError("'\(text)' is no id of a person or a group.") }
  return id
}

extension Restatement.Invitations: ExpressibleByArgument {}
