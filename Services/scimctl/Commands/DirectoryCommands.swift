import ArgumentParser
import Models

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

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard recheckSeconds >= 0, limit > 0 else { throw ValidationError("--patience must be at least 0 and --limit at least 1.") }
  }

  func run() async throws {
    let differs: Bool = try await withAdministration { administration in
      var differs = false
      for workspace in try await workspaces.resolve(administration) {
        let differences = try await administration.persistentDifferences(checkedFor: .seconds(recheckSeconds), in: workspace)
        try report(differences, in: workspace)
        differs = differs || !differences.isEmpty
      }
      return differs
    }
    if differs { throw ExitCode(1) }
  }

  private func report(_ differences: [DirectoryDifference], in workspace: StoredWorkspace) throws {
    let slug = workspace.settings.slug
    guard !differences.isEmpty else {
      if !output.json { print("\(slug): the directory matches the store") }
      return
    }
    let rows = differences.prefix(limit).map { DifferenceRow($0, in: slug) }
    try output.print(rows, as: DifferenceRow.table)
    let count = differences.count < DirectoryComparison.maximumDifferences ? "\(differences.count)" : "at least \(differences.count)"
    let arguments = Set(differences.map(\.rebuildArguments)).sorted()
    // A complete rebuild instead of a long list of arguments.
    let selection = arguments.count > 20 ? "" : " " + arguments.joined(separator: " ")
    StandardError.print("scimctl: \(slug): \(count) differences. To correct them: scimctl rebuild --workspace \(slug)\(selection)")
  }
}
