import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/receipts`: what each disabled or deleted person lost, newest first.
struct ReceiptsAPIController: ManagementController {
  private let directory: DatabaseDirectory
  private let cursors: CursorSeal

  init(_ dependencies: ManagementDependencies) {
    directory = DatabaseDirectory(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("receipts", use: list)
    group.read("receipts/{id}", use: show)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["member", "limit", "cursor"])
    let workspace = context.caller.workspace
    let member = try parameters.id("member", UserID.self)
    let page = try ListPage(parameters, of: "receipts?\(member?.description ?? "")", in: workspace, cursors: cursors, at: Date())
    let found = try await directory.receipts(
      of: member, before: page.after.map { ReceiptID($0.id.uuid) }, limit: page.readLimit, in: workspace)
    let (receipts, next) = page.split(found) { CursorPosition(key: nil, kind: .user, id: $0.id.resource) }
    var object: JSONObject = ["receipts": .array(try receipts.map { try JSON.encoding($0) })]
    object.add("nextCursor", next)
    return .object(object)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check([])
    let id = try context.id(of: "receipt", ReceiptID.self)
    guard let receipt = try await directory.receipt(id, in: context.caller.workspace) else {
      throw ProblemDetails.unknown("receipt", "\(id)")
    }
    return try JSON.encoding(receipt)
  }
}
