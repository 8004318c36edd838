import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl event`, the commands for the events of the directory.
struct EventCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "event", abstract: "Events of the directory, as the product reads them. The token needs the scope events.",
    subcommands: [ListEvents.self, FollowEvents.self, PrintSnapshot.self])
}

/// The options that select events.
struct EventOptions: ParsableArguments {
  @OptionGroup var scope: ScopeOptions

  @Option(
    name: .customLong("type"), help: ArgumentHelp("Only events of this type, such as member.updated. May be repeated.", valueName: "type"))
  var types: [DirectoryEvent.Kind] = []

  @OptionGroup var output: OutputOption

  func validate() throws { try scope.checkOnlyOne() }

  /// Prints events, and a heading before the first ones.
  func print(_ events: [EventRow], withHeading: Bool) {
    if output.json {
      for event in events { OutputOption.print(event.json) }
    } else if withHeading {
      EventRow.table(of: events).print()
    } else {
      for line in EventRow.table(of: events).lines { Swift.print(line) }
    }
    // Output to a pipe is buffered otherwise.
    fflush(nil)
  }
}

/// `scimctl event list`, which lists stored events.
struct ListEvents: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List stored events, the oldest first: time, sequence, type, member or group, workspace.",
    discussion: "Events are stored for 30 days. The cursor for the events after the last one is printed to standard error.")

  @OptionGroup var options: EventOptions

  @Option(help: ArgumentHelp("Only events after a cursor; 'latest' for none but the cursor of later ones.", valueName: "cursor"))
  var after: String?

  @Option(help: "The maximum number of events.")
  var limit = 100

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  /// The largest page.
  private static let pageSize = 1000

  func run() async throws {
    try await withServer(for: "event list") { server in
      let owner = try await options.scope.owner(server)
      var selection = EventSelection(after: after, types: options.types)
      var (printed, hasMore) = (0, true)
      while hasMore, printed < limit {
        selection.limit = min(limit - printed, Self.pageSize)
        let page = try await server.events(selection, of: owner)
        options.print(page.events, withHeading: printed == 0)
        printed += page.events.count
        selection.after = page.cursor
        hasMore = page.hasMore
      }
      StandardError.print("scimctl: cursor \(selection.after ?? "-")")
      if hasMore { StandardError.print("scimctl: there are more; use --after with the cursor, or --limit") }
    }
  }
}

/// `scimctl event follow`, which prints events as they happen.
struct FollowEvents: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "follow", abstract: "Print events as they happen: time, sequence, type, member or group, workspace.",
    discussion: "Waits for events with long polling, until it is interrupted.")

  @OptionGroup var options: EventOptions

  @Option(help: ArgumentHelp("Begin after a cursor of 'scimctl event list'.", valueName: "cursor"))
  var after = "latest"

  /// How long the server waits for an event, in seconds.
  private static let wait = 30

  func run() async throws {
    try await withServer(for: "event follow") { server in
      let owner = try await options.scope.owner(server)
      var selection = EventSelection(after: after, types: options.types)
      var isFirst = true
      while true {
        let page = try await server.events(selection, of: owner)
        options.print(page.events, withHeading: isFirst)
        if !page.events.isEmpty { isFirst = false }
        selection.after = page.cursor
        // The first request with 'latest' only returns a cursor.
        selection.wait = page.hasMore ? 0 : Self.wait
      }
    }
  }
}

/// `scimctl event snapshot`, which prints the present state.
struct PrintSnapshot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Print the present state of the directory as lines of JSON, with the cursor of later events.",
    discussion: "The exit status is not 0 if the snapshot is incomplete; then discard it.")

  @OptionGroup var scope: ScopeOptions

  @Flag(help: "Print JSON, as the command does anyway.")
  var json = false

  func validate() throws { try scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "event snapshot") { server in
      let owner = try await scope.owner(server)
      try await server.snapshot(of: owner) { bytes in try FileHandle.standardOutput.write(contentsOf: Data(bytes)) }
    }
  }
}
