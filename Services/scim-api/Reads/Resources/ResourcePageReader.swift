import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage

/// Reads a resource and its rows in pages, from one snapshot of the database.
///
/// It holds a database connection until it is deallocated.
actor ResourcePageReader {
  private enum Position {
    case start
    case rows(Database.Snapshot, after: UUID)
    case end
  }

  private let database: Database
  private let kind: ResourceKind
  private let workspace: WorkspaceID
  private let id: ResourceID
  private var position = Position.start

  init(_ database: Database, _ kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) {
    self.database = database
    self.kind = kind
    self.workspace = workspace
    self.id = id
  }

  /// The smallest UUID.
  private static let smallestID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  private var key: [PostgresValue] { [.uuid(workspace.uuid), .uuid(id.uuid)] }

  /// The next part; nil after the last one.
  ///
  /// - Throws: ``ResourceGone`` if the resource does not exist; `PostgresError`.
  func next() async throws -> ResourcePart? {
    switch position {
    case .start:
      let snapshot = try await database.snapshot(of: workspace)
      guard let row = try await snapshot.query(ResourceStatements.one(kind, withRows: false), key).first else { throw ResourceGone() }
      position = .rows(snapshot, after: Self.smallestID)
      return .resource(try FoundResource(row, from: 0, withRows: false).resource)
    case .rows(let snapshot, let last):
      let page = try await snapshot.query(
        ResourceStatements.rows(kind), key + [.uuid(last), .int(Int64(FoundResource.maximumRows))])
      let rows = try page.map { ReferredResource(id: ResourceID(try $0.uuid(0)), name: try $0.string(1)) }
      position = .end
      if rows.count == FoundResource.maximumRows, let last = rows.last { position = .rows(snapshot, after: last.id.uuid) }
      return rows.isEmpty ? nil : .rows(rows)
    case .end:
      return nil
    }
  }
}
