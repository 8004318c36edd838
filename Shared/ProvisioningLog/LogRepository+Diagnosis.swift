import Foundation
import Models
import Postgres
import Primitives

extension LogRepository {
  /// Diagnoses an entry with the current state; nil if its request succeeded.
  ///
  /// - Throws: The error of a query.
  public func diagnosis(of entry: LogEntry) async throws -> Diagnosis? {
    guard entry.isFailure else { return nil }
    return Diagnosis(of: entry, try await diagnosisContext(for: entry))
  }

  /// Loads the current state of what a failed request refers to.
  ///
  /// - Throws: The error of a query.
  public func diagnosisContext(for entry: LogEntry) async throws -> DiagnosisContext {
    let workspace = PostgresValue.uuid(entry.workspace.uuid)
    var context = DiagnosisContext()
    if let row = try await query(LogStatements.settings, [workspace]).first {
      context.settings = try JSONData.decode(from: row.bytes(0), type: "workspace settings")
    }
    if let token = entry.token, let row = try await query(LogStatements.token, [workspace, .uuid(token.uuid)]).first {
      context.token = DiagnosisContext.Token(
        name: try row.string(0), scopes: try row.textArray(1), expiresAt: try row.optionalTimestamp(2),
        revokedAt: try row.optionalTimestamp(3))
    }
    if let resource = entry.resource, let row = try await query(LogStatements.resource, [workspace, .uuid(resource.uuid)]).first {
      context.resourceExists = try row.bool(0)
      context.deletedAt = try row.optionalTimestamp(1)
    }
    context.nameOwner = try await nameOwner(of: entry, workspace)
    let members = entry.status == 400 ? entry.body?.content.memberValues ?? [] : []
    if !members.isEmpty { context.unknownMembers = try await unknown(members, workspace) }
    return context
  }

  private func nameOwner(of entry: LogEntry, _ workspace: PostgresValue) async throws -> DiagnosisContext.NameOwner? {
    guard let type = entry.resourceType, entry.status == 404 || entry.status == 409 else { return nil }
    let rows = try await query(
      type == .user ? LogStatements.userNameOwner : LogStatements.groupNameOwner,
      [
        workspace, .optional(entry.name.map { ComparisonKey($0).text }, PostgresValue.text),
        entry.resource.map { PostgresValue.uuid($0.uuid) } ?? .null,
      ])
    return try rows.first.map { row in
      DiagnosisContext.NameOwner(
        id: ResourceID(try row.uuid(0)), name: try row.string(1), externalID: try row.optionalString(2), state: try row.optionalString(3))
    }
  }

  private func unknown(_ members: [String], _ workspace: PostgresValue) async throws -> [DiagnosisContext.UnknownMember] {
    let ids = members.compactMap { UserID($0) }
    var known: Set<UUID> = []
    var deleted: [UUID: Date] = [:]
    for row in try await query(LogStatements.members, [workspace, .uuidArray(ids.map(\.uuid))]) {
      if let time = try row.optionalTimestamp(1) { deleted[try row.uuid(0)] = time } else { known.insert(try row.uuid(0)) }
    }
    return members.filter { text in UserID(text).map { !known.contains($0.uuid) } ?? true }
      .map { text in DiagnosisContext.UnknownMember(id: text, deletedAt: UserID(text).flatMap { deleted[$0.uuid] }) }
  }
}
