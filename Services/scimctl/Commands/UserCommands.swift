import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl user`, the commands for users.
struct UserCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "Users of a workspace.", subcommands: [ListUsers.self])
}

/// `scimctl user list`, which lists users.
struct ListUsers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List users by userName: userName, state, role, email, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only users in this state.")
  var state: UserState?

  @Option(help: "The maximum number of users.")
  var limit = 1000

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let (table, isCut) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      // One more row than is shown, to see whether there are more.
      let rows = try await pool.query(
        UserAndGroupQueries.users, [.uuid(workspace.id.uuid), .optional(state?.rawValue, PostgresValue.text), .int(Int64(limit) + 1)])
      var table = Table()
      for row in rows.prefix(limit) {
        table.append([
          try row.string(0), try row.string(1), try row.string(2), try row.optionalString(3), "\(UserID(try row.uuid(4)))",
        ])
      }
      return (table, rows.count > limit)
    }
    table.print()
    if isCut {
      StandardError.print("scimctl: only the first \(limit) are listed; use --limit to list more")
    }
  }
}

extension UserState: ExpressibleByArgument {}
