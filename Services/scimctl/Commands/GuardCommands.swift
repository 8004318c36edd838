import ArgumentParser
import Models
import SCIM

/// `scimctl workspace guard`, the commands for the change guard.
struct GuardCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guard", abstract: "The change guard: which changes of the identity provider wait for approval.",
    discussion: "'scimctl held' shows and decides waiting changes.",
    subcommands: [ShowGuard.self, SetGuard.self, RemoveGuard.self])
}

/// `scimctl workspace guard show SLUG`, which shows the guard.
struct ShowGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the change guard of a workspace.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(named: slug)
      if output.json {
        OutputOption.print(try workspace.json().object?["changeGuard"] ?? JSON.null)
      } else {
        print(workspace.settings.changeGuard?.description ?? "No changes wait for approval")
      }
    }
  }
}

/// `scimctl workspace guard set SLUG`, which sets the guard.
struct SetGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Require approval for large changes.",
    discussion: """
      Replaces the whole guard: a limit that is not given does not exist. Choose limits that ordinary changes do not reach. A wrong removal \
      interrupts people's work; a held one only delays their departure.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Option(
    help: ArgumentHelp(
      """
      The share of a group's members, in percent, that may be removed within ten minutes: by replacing the list, removing single members or \
      deleting the group. Further removals wait.
      """, valueName: "percent"))
  var shrink: Int?

  @Option(help: ArgumentHelp("The size from which groups are guarded. Smaller groups may lose any number of members.", valueName: "count"))
  var fromMembers: Int = ChangeGuard.defaultMinimumMembers

  @Option(
    help: ArgumentHelp("The number of users that may be disabled or deleted within ten minutes; further ones wait.", valueName: "count"))
  var deactivations: Int?

  @Flag(
    name: .customLong("hold-last-admin"),
    help: "Hold a change that disables or deletes the last active user with the role admin, or gives them another role.")
  var holdsLastAdmin = false

  @Option(help: ArgumentHelp("The recipient of mails about waiting changes.", valueName: "address"))
  var notify: String

  /// The guard that the options describe.
  var changeGuard: ChangeGuard {
    ChangeGuard(
      maximumShrink: shrink.map { Double($0) / 100 }, minimumMembers: fromMembers, maximumDeactivations: deactivations,
      holdsLastAdmin: holdsLastAdmin, notify: notify)
  }

  func validate() throws {
    if let fault = changeGuard.fault { throw ValidationError("The change guard is invalid: \(fault). See --help.") }
  }

  func run() async throws {
    let changeGuard = changeGuard
    try await WorkspaceUpdate.apply(to: slug) { settings in settings.guarded(by: changeGuard) }
    print("Workspace \(slug): \(changeGuard.description)")
  }
}

/// `scimctl workspace guard remove SLUG`, which removes the guard.
struct RemoveGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove the change guard. Changes that wait already still need a decision.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings in settings.guarded(by: nil) }
    print("Changes of workspace \(slug) no longer wait for approval")
  }
}

extension WorkspaceSettings {
  fileprivate func guarded(by changeGuard: ChangeGuard?) -> WorkspaceSettings {
    var settings = self
    settings.changeGuard = changeGuard
    return settings
  }
}

extension ChangeGuard {
  /// The limits and the recipient of mails, on one line.
  var description: String {
    var held: [String] = []
    if let maximumShrink {
      held.append(
        "removals of more than \(Int((maximumShrink * 100).rounded())) % of a group of \(minimumMembers) or more members within ten minutes"
      )
    }
    if let maximumDeactivations { held.append("more than \(maximumDeactivations) disabled or deleted users within ten minutes") }
    if holdsLastAdmin { held.append("the loss of the last active admin") }
    return "These changes wait for approval: \(held.joined(separator: "; ")). \(notify) is notified"
  }
}
