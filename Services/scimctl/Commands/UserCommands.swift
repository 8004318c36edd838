import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl user …`
struct UserCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "People of a workspace.", subcommands: [ListUsers.self])
}

/// `scimctl user list`
struct ListUsers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List people by userName: userName, state, role, email, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only those in this state.")
  var state: UserState?

  @Option(help: "The most to list.")
  var limit = 1000

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit has to be at least 1.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let (table, isCut) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      // One more than is shown tells whether there are more.
      let rows = try await pool.query(
        Queries.users, [.uuid(workspace.id.uuid), .optional(state?.rawValue, PostgresValue.text), .int(Int64(limit) + 1)])
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
      FileHandle.standardError.write(Data("scimctl: only the first \(limit) are listed; --limit lists more\n".utf8))
    }
  }
}

extension UserState: ExpressibleByArgument {}
