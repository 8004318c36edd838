import Hummingbird
import Models

/// The admin console: every page, and what can be done on it. A page is a folder, with its handler, its query and its template.
struct Console: Sendable {
  let door: ConsoleDoor
  let endpoints: [ConsoleEndpoint]

  /// - Throws: where a template that is built in cannot be read.
  init(
    sessions: ConsoleSessions, sites: Sites, limits: RateLimits, database: Database, commands: CommandPath, replays: EntryReplays
  ) throws {
    let layout = try ConsoleLayout()
    door = ConsoleDoor(sites: sites, sessions: sessions, limits: limits, layout: layout)
    endpoints = try Self.provisioning(database: database, commands: commands, replays: replays)
  }

  /// What needs no session.
  var openEndpoints: [OpenEndpoint] { ConsoleAssets().all }

  func add(to router: Router<EdgeContext>) {
    let layout = door.layout
    for endpoint in endpoints {
      let group = router.group().add(middleware: door).group(context: ConsoleContext.self)
      for method in endpoint.method == .get ? [.get, .head] : [endpoint.method] {
        group.on(RouterPath(endpoint.pattern), method: method) { request, context in
          try await endpoint.respond(request, context, layout: layout)
        }
      }
    }
  }

  private static func provisioning(database: Database, commands: CommandPath, replays: EntryReplays) throws -> [ConsoleEndpoint] {
    try LogPage(database: database).all + EntryPage(database: database, replays: replays).all + HealthPage(database: database).all
      + DriftPage(database: database).all + HeldPage(database: database, commands: commands).all
  }

  /// Where the console begins.
  static let path = "/console"
}
