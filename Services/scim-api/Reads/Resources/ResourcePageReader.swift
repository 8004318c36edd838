import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage

/// Reads a resource and its rows piece by piece, in one snapshot of the database.
///
/// It has a connection to itself for as long as it lives.
actor ResourcePageReader {
  private enum Place {
    case start
    case rows(Database.Snapshot, after: UUID)
    case end
  }

  private let database: Database
  private let kind: ResourceKind
  private let workspace: WorkspaceID
  private let id: ResourceID
  private var place = Place.start

  init(_ database: Database, _ kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) {
    self.database = database
    self.kind = kind
    self.workspace = workspace
    self.id = id
  }

  /// Before every id.
  private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  private var key: [PostgresValue] { [.uuid(workspace.uuid), .uuid(id.uuid)] }

  /// The next part; nil where there is none.
  ///
  /// - Throws: ``ResourceGone``; `PostgresError`.
  func next() async throws -> ResourcePart? {
    switch place {
    case .start:
      let snapshot = try await database.snapshot(of: workspace)
      guard let row = try await snapshot.query(ResourceStatements.one(kind, withRows: false), key).first else { throw ResourceGone() }
      place = .rows(snapshot, after: Self.first)
      return .resource(try FoundResource(row, from: 0, withRows: false).resource)
    case .rows(let snapshot, let last):
      let page = try await snapshot.query(
        ResourceStatements.rows(kind), key + [.uuid(last), .int(Int64(FoundResource.maximumRows))])
      let rows = try page.map { ReferredResource(id: ResourceID(try $0.uuid(0)), name: try $0.string(1)) }
      place = .end
      if rows.count == FoundResource.maximumRows, let last = rows.last { place = .rows(snapshot, after: last.id.uuid) }
      return rows.isEmpty ? nil : .rows(rows)
    case .end:
      return nil
    }
  }
}
