import ArgumentParser
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl directory`, the commands for the product's directory.
struct DirectoryCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "directory", abstract: "Check the product's directory.", subcommands: [CheckDirectory.self])
}

/// `scimctl directory check`, which compares the directory with the store.
struct CheckDirectory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compare the directory with the store, and list persistent differences.",
    discussion: """
      Compares a snapshot of both while the services run. Differences are checked again for some seconds, because they may be changes in \
      progress. The exit status is 1 if differences remain; the last line on standard error is the command that corrects them.
      """)

  @OptionGroup var workspaces: WorkspacesOption

  @Option(name: .customLong("patience"), help: ArgumentHelp("How long differences are checked again.", valueName: "seconds"))
  var recheckSeconds = 10

  @Option(help: "The maximum number of differences to list.")
  var limit = 1000

  func validate() throws {
    guard recheckSeconds >= 0, limit > 0 else { throw ValidationError("--patience must be at least 0 and --limit at least 1.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    var differs = false
    for workspace in try await selectedWorkspaces(settings) {
      let differences = try await withDatabase(settings, statementTimeout: .seconds(900)) { pool in
        try await DirectoryComparison(pool: pool, workspace: workspace.id).persistentDifferences(checkedFor: .seconds(recheckSeconds))
      }
      report(differences, in: workspace)
      differs = differs || !differences.isEmpty
    }
    if differs { throw ExitCode(1) }
  }

  private func selectedWorkspaces(_ settings: ServiceSettings) async throws -> [StoredWorkspace] {
    try await withDatabase(settings) { try await workspaces.resolve(settings, on: $0) }
  }

  private func report(_ differences: [DirectoryDifference], in workspace: StoredWorkspace) {
    let slug = workspace.settings.slug
    guard !differences.isEmpty else { return print("\(slug): the directory matches the store") }
    var table = Table()
    for difference in differences.prefix(limit) { table.append([slug] + difference.cells) }
    table.print()
    let count = differences.count < DirectoryComparison.maximumDifferences ? "\(differences.count)" : "at least \(differences.count)"
    let arguments = Set(differences.map(\.rebuildArguments)).sorted()
    // A complete rebuild instead of a long list of arguments.
    let selection = arguments.count > 20 ? "" : " " + arguments.joined(separator: " ")
    StandardError.print("scimctl: \(slug): \(count) differences. To correct them: scimctl rebuild --workspace \(slug)\(selection)")
  }
}
