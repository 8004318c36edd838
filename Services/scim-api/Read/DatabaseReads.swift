import Foundation
import Models
import Postgres
import SCIM

/// Reads resources from the store's views; each answer is of one moment, since it is one statement or one snapshot.
struct DatabaseReads: ResourceReads {
  let database: Database
  /// What identity providers ask for most, and many at once.
  private let users: GatheredUsers

  init(database: Database) {
    self.database = database
    users = GatheredUsers(database: database)
  }

  func resource(_ kind: ResourceKind, _ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource? {
    if kind == .user { return try await users.user(id, withRows: withRows, in: workspace) }
    let statement = ResourceStatements.one(kind, withRows: withRows)
    let rows = try await database.query(statement, [.uuid(workspace.uuid), .uuid(id.uuid)])
    guard let row = rows.first else { return nil }
    return try FoundResource(row, from: 0, withRows: withRows)
  }

  func list(
    _ kind: ResourceKind, where conditions: [LookUp.Condition], page: Page, withRows: Bool, in workspace: WorkspaceID
  ) async throws -> FoundResources {
    if kind == .user, conditions.count == 1, case .userName(let name)? = conditions.first {
      let user = try await users.user(named: name, withRows: withRows, in: workspace)
      let found = user.map { [$0] } ?? []
      return FoundResources(total: found.count, resources: Array(found.dropFirst(page.offset).prefix(page.count)))
    }
    let statement = ResourceStatements.list(kind, where: conditions, withRows: withRows)
    let parameters = [.uuid(workspace.uuid), .int(Int64(page.offset)), .int(Int64(page.count))] + conditions.map(\.parameter)
    let rows = try await database.query(statement, parameters)
    guard let first = rows.first else { return FoundResources(total: 0, resources: []) }
    return FoundResources(
      total: try first.int(0),
      // Beyond the end there is the total alone.
      resources: try rows.filter { !$0.isNull(1) }.map { try FoundResource($0, from: 1, withRows: withRows) })
  }

  func parts(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) -> AsyncThrowingStream<ResourcePart, any Error> {
    let reading = PartReading(database, kind, id, in: workspace)
    return AsyncThrowingStream { try await reading.next() }
  }

  func remains(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) async throws -> Remains? {
    let rows = try await database.query(
      ResourceStatements.remains, [.uuid(workspace.uuid), .uuid(id.uuid), .text(kind.rawValue)])
    guard let row = rows.first else { return nil }
    var successor: ReferredResource?
    if let id = try row.optionalUUID(1) { successor = ReferredResource(id: ResourceID(id), display: try row.string(2)) }
    return Remains(deletedAt: try row.timestamp(0), successor: successor)
  }
}

extension FoundResource {
  /// - Parameter column: the first of id, version, modified_at, document and, `withRows`, the arrays of ids and names.
  init(_ row: Row, from column: Int, withRows: Bool) throws {
    resource = StoredResource(
      id: ResourceID(try row.uuid(column)), version: Int64(try row.int(column + 1)), modifiedAt: try row.timestamp(column + 2),
      document: try row.bytes(column + 3))
    guard withRows else { return }
    let ids = try row.optionalUUIDArray(column + 4) ?? []
    let names = try row.optionalTextArray(column + 5) ?? []
    rows = zip(ids, names).prefix(Self.maximumRows).map { ReferredResource(id: ResourceID($0), display: $1) }
    hasMoreRows = ids.count > Self.maximumRows
  }
}
