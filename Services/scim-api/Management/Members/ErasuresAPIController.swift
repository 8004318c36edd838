import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/members/{id}/erasure`: erases what remains of a deleted member, and shows whether it is done.
struct ErasuresAPIController: ManagementController {
  private let query: ErasureQuery
  private let commands: CommandClient
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    query = ErasureQuery(database: dependencies.database)
    commands = dependencies.commands
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("members/{id}/erasure", use: show)
    routes.workspace.action("members/{id}/erasure", use: start)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id = try context.id(of: "member", UserID.self)
    guard let erasure = try await query.erasure(of: id, in: context.caller.workspace) else {
      throw ProblemDetails(404, .unknownResource, "No erasure of the member \(id) was requested. Request it with POST.")
    }
    return .management(.ok, try erasure.json(of: id))
  }

  /// Requests the erasure, which identity-store carries out a minute later.
  @Sendable private func start(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.eraseUser, on: id.resource, through: commands)
    guard let erasure = try await query.erasure(of: id, in: workspace) else { throw ProblemDetails.unknown("member", "\(id)") }
    return .management(.accepted, try erasure.json(of: id), headers: [.location: request.uri.path])
  }
}

extension StoredErasure {
  /// The messages that an erasure cannot reach, because Kafka deletes only whole segments of a topic by their age.
  static let retention = [
    Topic.identityCommands, .identityEvents, .directoryEvents, .provisioningLog, .invitationEvents, .mailEvents, .signInEvents,
    .securityEvents,
  ]

  /// The erasure with its progress, and until when messages with personal data remain on topics.
  ///
  /// - Throws: `JSONSyntaxError` if the stored counts are damaged.
  func json(of id: UserID) throws -> JSON {
    var object: JSONObject = ["member": .id(id), "state": .string(finishedAt == nil ? "waiting" : "finished")]
    object.add("requestedBy", requestedBy)
    object.add("requestedAt", requestedAt)
    object.add("problem", problem)
    object.add("finishedAt", finishedAt)
    if let erased { object["erased"] = try JSON(parsing: erased) }
    let days = (Self.retention.map(\.retention).max() ?? 0) / 86_400
    object["topicRetention"] = .string(
      "Messages about the member remain on Kafka's topics and in dead-letter topics until their retention ends, by default \(days) days after each."
    )
    return .object(object)
  }
}
