import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the event log that group-sync writes.
///
/// Events have numbers without gaps: sequence numbers within a workspace, positions in the whole log. So a page is complete exactly if its first
/// number follows that of the cursor, and whether events were deleted, or lost with a database, is seen without any further bookkeeping.
package struct DatabaseEvents: EventReads {
  /// Reads of one workspace.
  let database: Database
  /// Reads of all workspaces, with the role of the feed; nil if the deployment has no connection for it.
  let feed: Database?

  /// - Parameter feed: reads across workspaces; nil if there is no connection for it.
  package init(database: Database, feed: Database?) {
    self.database = database
    self.feed = feed
  }

  package func events(_ query: EventQuery) async throws -> EventPage {
    let (statement, parameters) = EventStatements.page(query)
    let rows = try await reader(of: query.scope).query(statement, parameters, in: query.scope.workspace)
    return try EventPage(rows, of: query)
  }

  package func snapshot(of scope: EventScope) async throws -> any DirectorySnapshot {
    try await StoredDirectorySnapshot(try await reader(of: scope).longSnapshot(of: scope.workspace), of: scope)
  }

  /// Reads the end of the log and, if there are events after the position `beyond`, the ends of `workspaces`.
  ///
  /// - Throws: the database's errors.
  package func ends(beyond: Int64, of workspaces: [WorkspaceID]) async throws -> EventEnds {
    let rows = try await database.query(EventStatements.ends, [.int(beyond), .uuidArray(workspaces.map(\.uuid))])
    var ends = EventEnds(position: Int64(try rows.first?.int(0) ?? 0))
    for row in rows {
      if let workspace = try row.optionalUUID(1) { ends.sequences[WorkspaceID(workspace)] = Int64(try row.int(2)) }
    }
    return ends
  }

  private func reader(of scope: EventScope) throws -> Database {
    switch scope {
    case .workspace: return database
    case .deployment:
      guard let feed else { throw DeploymentFeedMissing() }
      return feed
    }
  }
}

extension EventPage {
  /// Reads the rows of ``EventStatements/page(_:)``.
  ///
  /// - Throws: ``EventCursorGone``; the database's errors.
  init(_ rows: Rows, of query: EventQuery) throws {
    guard let head = rows.first else { throw EventCursorGone.otherLog }
    let epoch = try head.uuid(0)
    let end = Int64(try head.int(1))
    let readAt = try head.timestamp(2)
    let scanned = try ScannedRange(rows[rows.count - 1])
    var start: Int64?
    if case .after(let cursor) = query.start {
      guard cursor.epoch == epoch, cursor.number <= end else { throw EventCursorGone.otherLog }
      start = cursor.number
    }
    guard let scanned else {
      // Nothing is stored after the start.
      if let start, start < end { throw EventCursorGone.expired }
      self.init(
        events: [], cursor: EventCursor(epoch: epoch, scope: query.scope, number: end, storedSince: readAt), hasMore: false)
      return
    }
    guard scanned.isComplete(after: start) else { throw EventCursorGone.expired }
    let events = try rows.compactMap { try StoredEvent($0) }
    // Events that were left out because of a limit are on the next page.
    let isCut = scanned.wanted > events.count
    let last = isCut ? events.last.map { ($0.number, $0.storedAt) } : nil
    let (number, storedAt) = last ?? (scanned.last, scanned.lastStoredAt)
    self.init(
      events: events, cursor: EventCursor(epoch: epoch, scope: query.scope, number: number, storedSince: min(storedAt, readAt)),
      hasMore: number < end)
  }

  /// The events that the statement went through, wanted or not. Its last row describes them.
  private struct ScannedRange {
    let count: Int64
    let first: Int64
    let last: Int64
    let lastStoredAt: Date
    /// The number of events that the query asks for.
    let wanted: Int

    /// nil if there are none.
    init?(_ row: Row) throws {
      guard let last = try row.optionalInt(3) else { return nil }
      self.last = Int64(last)
      lastStoredAt = try row.timestamp(4)
      count = Int64(try row.int(10))
      first = Int64(try row.int(11))
      wanted = try row.int(12)
    }

    /// Whether no event is missing between `start` and the end of the range.
    func isComplete(after start: Int64?) -> Bool { last - (start ?? first - 1) == count }
  }
}

extension StoredEvent {
  /// Reads a row of ``EventStatements/page(_:)``; nil if the row has no event, or one that the page leaves out.
  fileprivate init?(_ row: Row) throws {
    guard let data = try row.optionalBytes(9) else { return nil }
    self.init(
      number: Int64(try row.int(3)), id: try row.string(7), type: try row.string(8), workspace: WorkspaceID(try row.uuid(5)),
      sequence: Int64(try row.int(6)), storedAt: try row.timestamp(4), data: data)
  }
}
