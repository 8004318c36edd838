import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/directory/differences`: where the product's directory differs from the store.
struct DirectoryAPIController: ManagementController {
  private let comparison: DirectoryComparison
  private let cursors: CursorSeal

  init(_ dependencies: Management.Dependencies) {
    comparison = DirectoryComparison(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("directory/differences", use: list)
  }

  /// A page compares a part of the directory. It has no differences if the part has none, whether there are more parts or not.
  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["cursor"])
    let page = try AdminPage(parameters, of: "differences", for: context.caller, cursors: cursors)
    let part = try await comparison.part(after: page.after, in: context.caller.workspace)
    return page.response(part.differences.map(\.json), next: part.next)
  }
}

extension DirectoryDifference {
  /// The resource that differs, and how.
  fileprivate var json: JSON {
    var object = JSONObject()
    switch subject {
    case .user(let user):
      object["type"] = "member"
      object.add("member", user)
    case .group(let group):
      object["type"] = "group"
      object.add("group", group)
    case .membership(let group, let user):
      object["type"] = "membership"
      object.add("group", group)
      object.add("member", user)
    }
    object["difference"] = .string(description)
    return .object(object)
  }
}
