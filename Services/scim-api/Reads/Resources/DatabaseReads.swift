import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage

/// Reads resources from the views of identity-store.
///
/// Each result is consistent: it comes from one statement or one snapshot.
package struct DatabaseReads: ResourceReads {
  /// The database with the views.
  package let database: Database
  /// Loads single users, the most frequent read of identity providers, in batches.
  private let users: BatchedUserLoader

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
    users = BatchedUserLoader(database: database)
  }

  package func resource(_ kind: ResourceKind, _ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    if kind == .user { return try await users.user(id, withRows: withRows, in: workspace) }
    let statement = ResourceStatements.one(kind, withRows: withRows)
    let rows = try await database.query(statement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace)
    guard let row = rows.first else { return nil }
    return try FoundResource(row, from: 0, withRows: withRows)
  }

  package func list(_ query: ResourceQuery, in workspace: WorkspaceID) async throws -> FoundResources {
    if let (name, page) = query.userNameLookup {
      let user = try await users.user(named: name, withRows: query.sources[0].withRows, in: workspace)
      let found = user.map { [ListedResource(kind: .user, found: $0)] } ?? []
      return FoundResources(total: found.count, resources: Array(found.dropFirst(page.offset).prefix(page.count)))
    }
    if let list = UserListStatement(query, in: workspace) {
      return try list.found(in: try await database.query(list.statement, list.parameters, in: workspace), of: query)
    }
    let list = ListStatement(query, in: workspace)
    let rows =
      list.statement.isKept
      ? try await database.query(list.statement, list.parameters, in: workspace)
      : try await database.search(list.statement, list.parameters, in: workspace)
    let total = list.isCounted ? try rows.first?.int(0) ?? 0 : nil
    let column = list.isCounted ? 1 : 0
    // A page after the last resource is one row with the total alone.
    let resources = try rows.filter { !$0.isNull(column) }.map { try ListedResource($0, from: column, of: query) }
    let isCut = try rows.last?.optionalBool(column + 8) ?? false
    switch query.part {
    case .page: return FoundResources(total: total, resources: resources)
    case .from(let position, let count):
      return FoundResources(total: total, read: resources, from: position, count: count, isCut: isCut)
    }
  }

  package func parts(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) -> AsyncThrowingStream<ResourcePart, any Error> {
    let reader = ResourcePageReader(database, kind, id, in: workspace)
    return AsyncThrowingStream { try await reader.next() }
  }

  package func remains(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) async throws -> DeletedResource? {
    let rows = try await database.query(
      ResourceStatements.remains, [.uuid(workspace.uuid), .uuid(id.uuid), .text(kind.rawValue)], in: workspace)
    guard let row = rows.first else { return nil }
    var successor: DeletedResource.Successor?
    if let id = try row.optionalUUID(1) { successor = DeletedResource.Successor(id: ResourceID(id), userName: try row.string(2)) }
    return DeletedResource(deletedAt: try row.timestamp(0), successor: successor)
  }
}

extension ListedResource {
  /// - Parameter column: the first column: kind and sort key, followed by the columns of ``FoundResource``.
  fileprivate init(_ row: Row, from column: Int, of query: ResourceQuery) throws {
    kind = try row.int(column) == 0 ? .user : .group
    key = try row.optionalString(column + 1)
    found = try FoundResource(
      row, from: column + 2, withRows: query.sources.contains { [kind] source in source.kind == kind && source.withRows })
  }
}

extension FoundResource {
  /// Decodes a resource from a row.
  ///
  /// - Parameter column: the first column: id, version, modified_at, document and, `withRows`, the arrays of ids and names.
  package init(_ row: Row, from column: Int, withRows: Bool) throws {
    resource = StoredResource(
      id: ResourceID(try row.uuid(column)), version: Int64(try row.int(column + 1)), modifiedAt: try row.timestamp(column + 2),
      document: try row.bytes(column + 3))
    guard withRows else { return }
    let ids = try row.optionalUUIDArray(column + 4) ?? []
    let names = try row.optionalTextArray(column + 5) ?? []
    rows = zip(ids, names).prefix(Self.maximumRows).map { ReferredResource(id: ResourceID($0), name: $1) }
    hasMoreRows = ids.count > Self.maximumRows
  }
}

extension ReferredResource {
  /// - Parameter name: the display name; empty if there is none.
  init(id: ResourceID, name: String) {
    self.init(id: id, display: name.isEmpty ? nil : name)
  }
}
