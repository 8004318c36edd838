import ArgumentParser
import Models

/// `scimctl workspace guard …`
struct GuardCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guard", abstract: "Which changes of the identity provider wait for approval.",
    discussion: "'scimctl held' shows and decides those that wait.",
    subcommands: [ShowGuard.self, SetGuard.self, RemoveGuard.self])
}

/// `scimctl workspace guard show SLUG`
struct ShowGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a workspace's guard.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let workspace = try await withDatabase(settings) { try await KnownWorkspace.named(slug, on: $0) }
    print(workspace.settings.changeGuard?.description ?? "No change waits for approval")
  }
}

/// `scimctl workspace guard set SLUG`
struct SetGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Have large changes wait for approval.",
    discussion: """
      Everything is set anew: what is not given is not guarded. People who lost access by mistake are mailed and called; people who keep \
      it a little longer are not, so choose numbers that ordinary days stay under.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Option(
    help: ArgumentHelp(
      """
      The share of a group's members that may leave within ten minutes, in percent: by new lists, by removals of single members, or by the \
      deletion of the group. More wait.
      """, valueName: "percent"))
  var shrink: Int?

  @Option(help: ArgumentHelp("Groups with fewer members may shrink as they like.", valueName: "count"))
  var fromMembers: Int = ChangeGuard.defaultMinimumMembers

  @Option(
    help: ArgumentHelp("How many people may be disabled or deleted within ten minutes; those beyond wait.", valueName: "count"))
  var deactivations: Int?

  @Option(help: ArgumentHelp("Who is mailed when changes begin to wait.", valueName: "address"))
  var notify: String

  var changeGuard: ChangeGuard {
    ChangeGuard(
      maximumShrink: shrink.map { Double($0) / 100 }, minimumMembers: fromMembers, maximumDeactivations: deactivations, notify: notify)
  }

  func validate() throws {
    if let fault = changeGuard.fault { throw ValidationError("The change guard is invalid: \(fault). See --help.") }
  }

  func run() async throws {
    let guarding = changeGuard
    try await WorkspaceChange.carryOut(on: slug) { settings in settings.guarded(by: guarding) }
    print("Workspace \(slug): \(guarding.description)")
  }
}

/// `scimctl workspace guard remove SLUG`
struct RemoveGuard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Let every change through from now on. What waits already goes on waiting for a decision.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings in settings.guarded(by: nil) }
    print("No change of workspace \(slug) waits for approval from now on")
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
  /// What waits and who is told, on one line.
  var description: String {
    var held: [String] = []
    if let maximumShrink {
      held.append(
        "departures of more than \(Int((maximumShrink * 100).rounded())) % of a group of \(minimumMembers) or more members within ten minutes"
      )
    }
    if let maximumDeactivations { held.append("people disabled or deleted beyond \(maximumDeactivations) within ten minutes") }
    return "For approval wait: \(held.joined(separator: "; ")). \(notify) is told"
  }
}
