import ArgumentParser
import Models

/// `scimctl held`, the commands for held changes.
struct HeldCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "held", abstract: "Changes of the identity provider that wait for approval.",
    discussion: "'scimctl workspace guard' sets which changes wait. The identity provider received a success response for them.",
    subcommands: [ListHeld.self, ShowHeld.self, ApproveHeld.self, RejectHeld.self])

  /// Parses the id of a held change or its first characters.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func id(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: ListedKind.heldChanges.list) }
}

/// `scimctl held list`, which lists held changes.
struct ListHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List held changes: id, status, since, effect, user or group.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(help: "Include decided changes.")
  var all = false

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try output.print(try await administration.heldChanges(includingDecided: all, in: workspace), as: HeldChangeRow.table)
    }
  }
}

/// `scimctl held show ID`, which shows a held change.
struct ShowHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a held change, and which members would leave the group.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the change, or its first characters; see 'scimctl held list'.", transform: HeldCommands.id)
  var id: IDPrefix

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let change = try await administration.heldChange(id, in: workspace)
      try output.print(change) { change.description }
      if !output.json { for line in change.leaverLines { print(line) } }
    }
  }
}

/// `scimctl held approve ID …`, which approves held changes.
struct ApproveHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "approve", abstract: "Approve held changes, which executes them.")

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.execute(.approve, "approved") }
}

/// `scimctl held reject ID …`, which rejects held changes.
struct RejectHeld: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject", abstract: "Reject held changes, also if the identity provider requests them again.",
    discussion: "A rejected change can still be approved until the identity provider sends something else for the user or group."
  )

  @OptionGroup var decision: HeldDecision

  func run() async throws { try await decision.execute(.reject, "rejected") }
}

/// The arguments of `held approve` and `held reject`.
struct HeldDecision: ParsableArguments {
  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The ids of the changes, or their first characters; see 'scimctl held list'.", transform: HeldCommands.id)
  var ids: [IDPrefix] = []

  @Flag(help: "Decide all waiting changes of the workspace.")
  var all = false

  func validate() throws {
    if ids.isEmpty != all { throw ValidationError("Give the ids of the changes, or --all.") }
  }

  /// Sends the decision on each change, and prints a line for it.
  ///
  /// - Parameter done: The participle for the output, such as "approved".
  func execute(_ verdict: HeldChangeDecision.Verdict, _ done: String) async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let slug = workspace.settings.slug
      let changes = try await selected(in: workspace, administration)
      for change in changes {
        try await administration.decide(change, verdict, in: workspace)
        print("Workspace \(slug): \(change.id) \(done): \(PlainText.line(change.subject))")
      }
      if changes.isEmpty { print("Workspace \(slug): no changes wait") }
    }
  }

  private func selected(in workspace: StoredWorkspace, _ administration: any Administration) async throws -> [HeldChangeRow] {
    guard !all else { return try await administration.heldChanges(includingDecided: false, in: workspace) }
    var changes: [HeldChangeRow] = []
    for id in ids { changes.append(try await administration.heldChange(id, in: workspace)) }
    return changes
  }
}
