import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import Postgres
import SCIM

/// `…/health`: of a workspace, the requests of its identity provider; of the deployment, what this process knows of the others. `…/activity`: the
/// busiest workspaces.
struct HealthAPIController: ManagementController {
  private let workspaces: WorkspacesQuery
  private let health: HealthQuery
  private let heldChanges: HeldChangesQuery
  private let deployment: DeploymentQuery
  private let activity: ActivityQuery
  private let commands: CommandClient

  /// The number up to which pending held changes are counted.
  static let maximumHeldChanges = 100
  /// The number of busiest workspaces by default.
  private static let defaultWorkspaces = 20
  /// The largest number of busiest workspaces.
  private static let maximumWorkspaces = 200
  /// How long identity-store has to start the command that checks it, in seconds.
  private static let probeTimeout: TimeInterval = 3

  init(_ dependencies: Management.Dependencies) {
    workspaces = WorkspacesQuery(database: dependencies.database)
    health = HealthQuery(database: dependencies.database)
    heldChanges = HeldChangesQuery(database: dependencies.database)
    deployment = DeploymentQuery(database: dependencies.database)
    activity = ActivityQuery(database: dependencies.database)
    commands = dependencies.commands
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("health", use: workspace)
    routes.deployment.read("health", use: processes)
    routes.deployment.read("activity", use: busiest)
  }

  @Sendable private func workspace(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id = context.caller.workspace
    async let held = heldChanges.pendingCount(upTo: Self.maximumHeldChanges, in: id)
    async let found = health.health(of: id, at: Date())
    let settings = try await workspaces.stored(id).settings
    return .management(.ok, WorkspaceHealthBody(settings: settings, health: try await found, heldChanges: try await held).json)
  }

  /// Checks the database and identity-store, on which writes depend. The other services have no effect on this process; `/readyz` of each
  /// tells whether it is ready.
  @Sendable private func processes(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    async let database = databaseCheck(context)
    let store = try await storeCheck(context)
    let checks = [try await database, store]
    let isOK = checks.allSatisfy(\.isOK)
    return .management(.ok, ["status": .string(isOK ? "ok" : "failing"), "checks": .array(checks.map(\.json))])
  }

  /// The workspaces with the most requests of the last minute, and the number of events that wait to be published.
  @Sendable private func busiest(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit"])
    let limit = try parameters.integer("limit") ?? Self.defaultWorkspaces
    guard (1...Self.maximumWorkspaces).contains(limit) else {
      throw ProblemDetails.invalidParameter("limit", "limit is \(limit); a whole number from 1 to \(Self.maximumWorkspaces) was expected.")
    }
    async let waiting = deployment.waitingEvents()
    let workspaces = try await activity.busiestWorkspaces(limit: limit)
    return .management(
      .ok,
      [
        "at": .time(Date()), "windowSeconds": .number(ActivityQuery.window), "workspaces": .array(workspaces.map(\.json)),
        "waitingEvents": .number(try await waiting),
      ])
  }

  /// The result of a check.
  private struct Check: Sendable {
    var name: String
    /// What is wrong; nil if nothing is.
    var problem: String?
    /// Further members.
    var members: JSONObject = [:]

    var isOK: Bool { problem == nil }

    var json: JSON {
      var object: JSONObject = ["name": .string(name), "status": .string(isOK ? "ok" : "failing")]
      object.add("detail", problem)
      for member in members { object[member.key] = member.value }
      return .object(object)
    }
  }

  private func databaseCheck(_ context: CallerContext) async throws -> Check {
    do {
      return Check(name: "database", members: ["waitingEvents": .number(try await deployment.waitingEvents())])
    } catch let error as PostgresError where error.isTransient {
      context.logger.warning("the database is unavailable", metadata: ["error": "\(error)"])
      return Check(name: "database", problem: "The database is unavailable.")
    }
  }

  /// Sends a command that changes nothing. Any answer shows that identity-store executes commands.
  private func storeCheck(_ context: CallerContext) async throws -> Check {
    do {
      _ = try await commands.startingWithin(Self.probeTimeout).execute(
        .restate(Restatement()), on: WorkspaceID.deployment.resource, in: .deployment, by: .service("scim-api"), info: context.info)
      return Check(name: "identity-store")
    } catch let error as APIError where error.error.status >= 500 {
      return Check(name: "identity-store", problem: "It executes no commands: \(error.error.detail)")
    }
  }
}
