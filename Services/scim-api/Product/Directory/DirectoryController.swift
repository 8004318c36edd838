import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore

/// `GET /api/v2/directory/…`: the product's groups, their members, and receipts of deprovisioning.
package struct DirectoryController: Sendable {
  private let reads: any DirectoryReads
  private let cursors: CursorSeal

  /// - Parameters:
  ///   - reads: the stored directory.
  ///   - cursors: signs the cursors of lists.
  package init(reads: any DirectoryReads, cursors: CursorSeal) {
    self.reads = reads
    self.cursors = cursors
  }

  /// Adds the routes to `group`, whose callers have the scope `directory`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    let group = group.group(RouterPath(ResourcePath.directory))
    add("groups", groups, to: group)
    add("groups/{\(ResourcePath.id)}/members", membersOfGroup, to: group)
    add("members", members, to: group)
    add("receipts", receipts, to: group)
    add("receipts/{\(ResourcePath.id)}", receipt, to: group)
    add("jwks", keys, to: group)
  }

  private func add(
    _ path: RouterPath, _ body: @escaping @Sendable (QueryParameters, CallerContext) async throws -> [UInt8],
    to group: RouterGroup<CallerContext>
  ) {
    group.getAndHead(path) { request, context in
      let bytes = try await body(try QueryParameters(request.uri.query), context)
      return Response.json(.ok, ByteBuffer(bytes: bytes), mediaType: MediaType.json)
    }
  }

  private func page(_ parameters: QueryParameters, of list: String, _ context: CallerContext) throws(APIError) -> DirectoryPage {
    try DirectoryPage(parameters, of: list, in: context.caller.workspace, cursors: cursors, at: Date())
  }

  @Sendable private func groups(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    let page = try page(parameters, of: "groups", context)
    let found = try await reads.groups(after: page.after?.group, limit: page.readLimit, in: context.caller.workspace)
    let (groups, next) = page.split(found) { $0.id.resource }
    return try JSONData.encode(GroupList(groups: groups, nextCursor: next))
  }

  @Sendable private func membersOfGroup(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    let stateName = parameters["state"] ?? MembershipStatus.visible.rawValue
    let status = MembershipStatus(rawValue: stateName)
    guard status != nil || stateName == "all" else {
      throw APIError(400, .invalidValue, "state is '\(stateName.prefix(50))'; visible, pending, held or all was expected.")
    }
    guard let id = GroupID(text), let group = try await reads.group(id, in: context.caller.workspace) else {
      throw APIError(404, "The directory has no group '\(text.prefix(100))'. \(ResourcePath.directory)/groups lists all groups.")
    }
    let page = try page(parameters, of: "groups/\(id)/members?\(stateName)", context)
    let found = try await reads.members(
      of: id, status: status, after: page.after?.user, limit: page.readLimit, in: context.caller.workspace)
    let (members, next) = page.split(found) { $0.id.resource }
    return try JSONData.encode(MemberList(group: group, members: members, nextCursor: next))
  }

  @Sendable private func members(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    let stateName = parameters["state"] ?? UserState.active.rawValue
    guard let state = UserState(rawValue: stateName) else {
      throw APIError(400, .invalidValue, "state is '\(stateName.prefix(50))'; active, invited or disabled was expected.")
    }
    let page = try page(parameters, of: "members?\(stateName)", context)
    let found = try await reads.members(in: state, after: page.after?.user, limit: page.readLimit, in: context.caller.workspace)
    let (members, next) = page.split(found) { $0.id.resource }
    return try JSONData.encode(MemberList(group: nil, members: members, nextCursor: next))
  }

  @Sendable private func receipts(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    let text = parameters["member"]
    let member = text.flatMap { UserID($0) }
    if let text, member == nil { throw APIError(400, .invalidValue, "member must be the id of a person, found '\(text.prefix(100))'.") }
    let page = try page(parameters, of: "receipts?\(member?.description ?? "")", context)
    let found = try await reads.receipts(
      of: member, before: page.after.map { ReceiptID($0.uuid) }, limit: page.readLimit, in: context.caller.workspace)
    let (receipts, next) = page.split(found) { $0.id.resource }
    return try JSONData.encode(ReceiptList(receipts: receipts, nextCursor: next))
  }

  @Sendable private func receipt(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = ReceiptID(text), let receipt = try await reads.receipt(id, in: context.caller.workspace) else {
      throw APIError(404, "There is no receipt '\(text.prefix(100))'. \(ResourcePath.directory)/receipts lists all receipts.")
    }
    return try JSONData.encode(receipt)
  }

  @Sendable private func keys(_ parameters: QueryParameters, _ context: CallerContext) async throws -> [UInt8] {
    Array("{\"keys\":[\(try await reads.signingKeys().joined(separator: ","))]}".utf8)
  }
}

// The response bodies. The last page of a list has no cursor.

private struct GroupList: Encodable {
  var groups: [DirectoryGroup]
  var nextCursor: String?
}

private struct MemberList: Encodable {
  var group: DirectoryGroup?
  var members: [DirectoryPerson]
  var nextCursor: String?
}

private struct ReceiptList: Encodable {
  var receipts: [DeprovisionReceipt]
  var nextCursor: String?
}
