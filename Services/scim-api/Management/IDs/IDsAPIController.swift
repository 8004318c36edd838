import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import Primitives
import SCIM

/// `…/ids`: the ids that begin with some characters, so that `scimctl` accepts the first characters of an id.
struct IDsAPIController: ManagementController {
  private let query: IDsQuery

  /// The maximum number of ids.
  private static let maximum = 10

  init(_ dependencies: Management.Dependencies) {
    query = IDsQuery(database: dependencies.database)
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("ids", use: list)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["of", "prefix"])
    guard let kind: IDsQuery.Kind = try parameters.choice("of") else {
      let kinds = IDsQuery.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProblemDetails.invalidParameter("of", "of is missing; expected one of \(kinds).")
    }
    let text = parameters["prefix"] ?? ""
    guard let prefix = UUIDPrefix(text) else {
      throw ProblemDetails.invalidParameter(
        "prefix",
        "prefix is '\(text.prefix(50))'; expected the first \(UUIDPrefix.minimumLength) or more characters of an id.")
    }
    // One more shows whether there are more.
    let found = try await query.ids(of: kind, beginningWith: prefix, limit: Self.maximum + 1, in: context.caller.workspace)
    let ids = found.prefix(Self.maximum).map { JSON.string(UUIDText.text($0)) }
    return .management(.ok, .object(["ids": .array(ids), "isComplete": .bool(found.count <= Self.maximum)]))
  }
}
