import ArgumentParser
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl directory …`
struct DirectoryCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "directory", abstract: "The product's directory as a whole.", subcommands: [CheckDirectory.self])
}

/// `scimctl directory check`
struct CheckDirectory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compare the directory with the store, and list what differs and stays so.",
    discussion: """
      Both are read as they are at one moment, while everything runs. What differs is looked at again for some seconds, since it may be \
      under way. Exit status 1 where something differs; the last line on standard error is the command that mends it.
      """)

  @OptionGroup var workspaces: WorkspacesOption

  @Option(help: "For how many seconds what differs is looked at again.")
  var patience = 10

  @Option(help: "The most differences to list.")
  var limit = 1000

  func validate() throws {
    guard patience >= 0, limit > 0 else { throw ValidationError("--patience and --limit are numbers from 0 and 1 on.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    var differs = false
    for workspace in try await chosen(settings) {
      let differences = try await withDatabase(settings, statementTimeout: .seconds(900)) { pool in
        try await Comparison(pool: pool, workspace: workspace.id).lasting(patience: .seconds(patience))
      }
      report(differences, in: workspace)
      differs = differs || !differences.isEmpty
    }
    if differs { throw ExitCode(1) }
  }

  private func chosen(_ settings: ServiceSettings) async throws -> [KnownWorkspace] {
    try await withDatabase(settings) { try await workspaces.resolve(settings, on: $0) }
  }

  private func report(_ differences: [Difference], in workspace: KnownWorkspace) {
    let slug = workspace.settings.slug
    guard !differences.isEmpty else { return print("\(slug): the directory is as the store says") }
    var table = Table()
    for difference in differences.prefix(limit) { table.append([slug] + difference.cells) }
    table.print()
    let count = differences.count < Comparison.most ? "\(differences.count)" : "at least \(differences.count)"
    let remedies = Set(differences.map(\.remedy)).sorted()
    // Everything, where a list would be longer than anybody's patience.
    let remedy = remedies.count > 20 ? "" : " " + remedies.joined(separator: " ")
    FileHandle.standardError.write(
      Data("scimctl: \(slug): \(count) differences. To mend them: scimctl rebuild --workspace \(slug)\(remedy)\n".utf8))
  }
}
