import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/receipts`: what each disabled or deleted person lost, newest first.
struct ReceiptsAPIController: ManagementController {
  private let directory: DatabaseDirectory
  private let cursors: CursorSeal

  init(_ dependencies: Management.Dependencies) {
    directory = DatabaseDirectory(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("receipts", use: list)
    routes.workspace.read("receipts/{id}", use: show)
    routes.all.read("signing-keys", use: keys)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["member", "limit", "cursor"])
    let member = try parameters.id("member", UserID.self)
    let page = try AdminPage(parameters, of: "receipts", filters: [member?.description], for: context.caller, cursors: cursors)
    let found = try await directory.receipts(
      of: member, before: page.after.map { ReceiptID($0.id.uuid) }, limit: page.readLimit, in: context.caller.workspace)
    return try page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      try JSON.encoding($0)
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id = try context.id(of: "receipt", ReceiptID.self)
    guard let receipt = try await directory.receipt(id, in: context.caller.workspace) else {
      throw ProblemDetails.unknown("receipt", "\(id)")
    }
    return .management(.ok, try JSON.encoding(receipt))
  }

  /// The public keys of the security event tokens of all workspaces, as a JSON Web Key Set (RFC 7517).
  @Sendable private func keys(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let keys = try await directory.signingKeys().map { try JSON(parsing: Array($0.utf8)) }
    return .management(.ok, .object(["keys": .array(keys)]))
  }
}
