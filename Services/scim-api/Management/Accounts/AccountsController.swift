import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import SCIM

/// `/api/v2/admin/workspaces/{workspace}/accounts`: the accounts that the product imported, and their links to users.
struct AccountsController: ManagementController {
  private let workspaces: WorkspacesQuery
  private let query: AccountsQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    workspaces = WorkspacesQuery(database: dependencies.database)
    query = AccountsQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    let group = routes.workspace
    group.read("accounts", use: list)
    group.action("accounts", use: importFile)
    group.read("accounts/imports/{\(ResourcePath.id)}", use: showImport)
    group.action("accounts/links", use: link)
    group.on("accounts/links/{\(ResourcePath.id)}", method: .delete, use: unlink)
  }

  // MARK: Reads

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["linked", "limit", "cursor"])
    let linked = try parameters.flag("linked")
    let page = try AdminPage(
      parameters, of: "accounts", filters: [linked.map { "\($0)" }], for: context.caller, cursors: cursors)
    let found = try await query.accounts(
      linked: linked, after: page.after?.key, limit: page.readLimit, in: context.caller.workspace)
    // The order is that of the ids alone.
    return page.response(found) {
      CursorPosition(after: context.caller.workspace.uuid, key: $0.id)
    } json: {
      .object($0.json)
    }
  }

  @Sendable private func showImport(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id: CommandID = try context.id(of: "account import")
    guard let found = try await query.accountImport(id, in: context.caller.workspace) else {
      throw ProblemDetails(404, .unknownResource, "There is no account import '\(id)' here. Imports are kept for 90 days.")
    }
    return .management(.ok, .object(try found.json()))
  }

  // MARK: Import

  /// Imports the accounts of an NDJSON body; with `dryRun=true`, reports what the import would do.
  @Sendable private func importFile(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let parameters = try QueryParameters(request.uri.query)
    try parameters.check(["dryRun"])
    let isDryRun = try parameters.flag("dryRun") ?? false
    try Self.check(contentType: request.headers[.contentType])
    // The digest of a body that is read as a stream is not known here: each part has its own.
    let key = try IdempotencyKey(request, body: [], of: caller)
    let id: CommandID = key?.id("account import") ?? .made(at: Date())
    let dryRun = isDryRun ? try await workspaces.stored(caller.workspace).settings : nil
    var accountImport = AccountImport(
      id: id, dryRun: dryRun, query: query, commands: commands, caller: caller, info: context.info)
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(caller.workspace))
    try await accountImport.read(request, share: &share)
    share.release()
    if isDryRun { return .management(.ok, .object(accountImport.report)) }
    try await accountImport.start()
    let path = "\(ResourcePath.admin)/workspaces/\(caller.workspace)/accounts/imports/\(id)"
    guard let stored = try await query.accountImport(id, in: caller.workspace) else { throw APIError.overloaded() }
    return .management(.accepted, .object(try stored.json()), headers: [.location: path])
  }

  private static let mediaTypes: Set<String> = ["application/x-ndjson", "application/ndjson", "application/jsonl"]

  private static func check(contentType: String?) throws {
    let type = (contentType ?? "").prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard mediaTypes.contains(type) else {
      throw ProblemDetails(
        415, nil,
        "The body is '\((contentType ?? "").prefix(100))'; send application/x-ndjson: one JSON object per line, such as "
          + #"{"id":"4711","email":"ana@example.com","state":"active"}."#)
    }
  }

  // MARK: Links

  @Sendable private func link(_ request: Request, _ context: CallerContext) async throws -> Response {
    var action = try await ManagementAction(request, context, with: bodies, members: ["user", "account"])
    let text = try action.body.requiredString("user")
    guard let user = UserID(text) else {
      throw ProblemDetails.invalidMember("user", "user is '\(text.prefix(100))'; expected the id of a user.")
    }
    let account = try action.body.requiredString("account")
    try await action.execute(.linkAccount(AccountLink(account: account)), on: user.resource, through: commands)
    return Response(status: .noContent)
  }

  /// Removes the link of a user. For a user who waits for a decision, it says that the account is another person's.
  @Sendable private func unlink(_ request: Request, _ context: CallerContext) async throws -> Response {
    let user: UserID = try context.id(of: "user")
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.unlinkAccount(AccountUnlink()), on: user.resource, through: commands)
    return Response(status: .noContent)
  }
}

extension AccountsQuery.Account {
  fileprivate var json: JSONObject {
    var object: JSONObject = [
      "id": .string(id), "email": .string(email), "state": .string(state), "importedAt": .string(Timestamp.text(importedAt)),
    ]
    object["externalId"] = externalID.map(JSON.string)
    object["user"] = user.map { .string("\($0)") }
    return object
  }
}

extension AccountsQuery.Import {
  fileprivate func json() throws -> JSONObject {
    var object: JSONObject = [
      "id": .string("\(id)"), "status": .string(status), "createdBy": .string(createdBy),
      "createdAt": .string(Timestamp.text(createdAt)), "position": .integer(Int64(position)), "linked": .integer(Int64(linked)),
    ]
    object["lines"] = lines.map { .integer(Int64($0)) }
    object["startedAt"] = startedAt.map { .string(Timestamp.text($0)) }
    object["finishedAt"] = finishedAt.map { .string(Timestamp.text($0)) }
    object["errors"] = try errors.map { try JSON(parsing: Array($0.utf8)) }
    return object
  }
}
