import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import ProvisioningLog
import SCIM

/// `…/provisioning-log`: the logged requests of identity providers, the diagnosis of failures, and sending a request again.
struct ProvisioningLogAPIController: ManagementController {
  private let database: Database
  private let cursors: CursorSeal
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    database = dependencies.database
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    let replays = routes.replays
    routes.workspace.read("provisioning-log", use: list)
    routes.workspace.read("provisioning-log/{id}", use: show)
    routes.workspace.action("provisioning-log/{id}/replay") { request, context in try await replay(request, context, replays) }
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["failed", "cause", "subject", "since", "until", "limit", "cursor"])
    let workspace = context.caller.workspace
    var filter = LogRepository.Filter()
    filter.cause = try parameters.choice("cause")
    filter.failedOnly = try parameters.flag("failed") ?? false || filter.cause != nil
    filter.subject = try parameters.search("subject", maximum: 320)
    filter.since = try parameters.time("since")
    filter.until = try parameters.time("until")
    if let since = filter.since, let until = filter.until, since > until {
      throw ProblemDetails.invalidParameter("since", "since is later than until.")
    }
    let page = try AdminPage(
      parameters, of: "entries",
      filters: [
        "log", "\(filter.failedOnly)", filter.cause?.rawValue, filter.since.map(Timestamp.text), filter.until.map(Timestamp.text),
        filter.subject,
      ], for: context.caller, cursors: cursors)
    let found = try await LogRepository(database, in: workspace).page(
      of: filter, after: page.after.map { LogEntryID($0.id.uuid) }, limit: page.readLimit, in: workspace)
    let tokens = try await TokenNames(database: database).names(of: Set(found.compactMap(\.entry.token)), in: workspace)
    return page.response(found) {
      CursorPosition(after: $0.entry.id.uuid)
    } json: {
      ListedEntryBody(listed: $0, tokens: tokens).json
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let workspace = context.caller.workspace
    let entry = try await entry(context)
    let tokens = try await TokenNames(database: database).names(of: Set([entry.token].compactMap { $0 }), in: workspace)
    let body = EntryBody(
      entry: entry, diagnosis: try await LogRepository(database, in: workspace).diagnosis(of: entry),
      tokenName: entry.token.flatMap { tokens[$0] },
      presentName: try await LogRepository.presentName(of: entry, in: workspace, of: database))
    return .management(.ok, try body.json())
  }

  /// Sends the request of an entry again, through the same endpoints as a request of the identity provider.
  private func replay(_ request: Request, _ context: CallerContext, _ replays: EntryReplays) async throws -> Response {
    _ = try await JSONBody(of: request, context, with: bodies, members: [], isOptional: true)
    let entry = try await entry(context)
    let replay: ReplayRequest
    do throws(ReplayRequest.Obstacle) {
      replay = try ReplayRequest(entry)
    } catch {
      throw ProblemDetails(409, .notReplayable, "Nothing was sent: \(error).")
    }
    let outcome = try await replays.send(
      replay, of: entry.id, by: context.caller, at: request.head.authority, context.base, peer: context.info.peer, logger: context.logger)
    var object: JSONObject = ["status": .number(outcome.status)]
    object.add("entry", outcome.entry)
    return .management(.ok, .object(object))
  }

  private func entry(_ context: CallerContext) async throws -> LogEntry {
    let id = try context.id(of: "log entry", LogEntryID.self)
    let workspace = context.caller.workspace
    guard let entry = try await LogRepository(database, in: workspace).entry(id, in: workspace) else {
      throw ProblemDetails.unknown("log entry", "\(id)")
    }
    return entry
  }
}

extension ProblemDetails.Kind {
  /// The request of a log entry cannot be sent again.
  fileprivate static let notReplayable = Self(name: "not-replayable", title: "The request cannot be sent again")
}
