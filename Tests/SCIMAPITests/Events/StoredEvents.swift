import EdgeReads
import Foundation
import Models
import Synchronization

/// An event log in memory, in which each event has the same number in its workspace and in the deployment.
final class StoredEvents: EventReads {
  private let log = Mutex<[StoredEvent]>([])
  /// Thrown instead of a page.
  let failure: (any Error)?
  /// The items of a snapshot.
  let items: [SnapshotPart: [SnapshotItem]]
  let epoch = UUID()
  let queries = Journal<EventQuery>()

  init(failure: (any Error)? = nil, items: [SnapshotPart: [SnapshotItem]] = [:]) {
    self.failure = failure
    self.items = items
  }

  /// Appends an event of `workspace`.
  func append(_ type: DirectoryEvent.Kind, in workspace: WorkspaceID) {
    log.withLock { log in
      let number = Int64(log.count + 1)
      log.append(
        StoredEvent(
          number: number, id: "event-\(number)", type: type.rawValue, workspace: workspace, sequence: number,
          storedAt: Date(timeIntervalSince1970: 1_767_225_600 + Double(number)), data: Array(#"{"number":\#(number)}"#.utf8)))
    }
  }

  var end: Int64 { log.withLock { Int64($0.count) } }

  func cursor(_ number: Int64, of scope: EventScope) -> EventCursor {
    EventCursor(epoch: epoch, scope: scope, number: number, storedSince: Date(timeIntervalSince1970: 1_767_225_600))
  }

  func events(_ query: EventQuery) async throws -> EventPage {
    queries.record(query)
    if let failure { throw failure }
    let all = log.withLock { $0 }
    let start: Int64 =
      switch query.start {
      case .oldest: 0
      case .latest: Int64(all.count)
      case .after(let cursor): cursor.number
      }
    let found = all.filter { event in
      event.number > start && query.types?.contains { $0.rawValue == event.type } ?? true
        && query.workspaces?.contains(event.workspace) ?? true
    }
    let page = Array(found.prefix(query.limit))
    let number = page.count < found.count ? page.last?.number ?? start : Int64(all.count)
    return EventPage(events: page, cursor: cursor(number, of: query.scope), hasMore: number < Int64(all.count))
  }

  func snapshot(of scope: EventScope) async throws -> any DirectorySnapshot {
    if let failure { throw failure }
    return Snapshot(cursor: cursor(end, of: scope), takenAt: Date(timeIntervalSince1970: 1_767_225_600), items: items)
  }

  private struct Snapshot: DirectorySnapshot {
    let cursor: EventCursor
    let takenAt: Date
    let items: [SnapshotPart: [SnapshotItem]]

    /// Pages of two items.
    func page(of part: SnapshotPart, after last: SnapshotItem?) async throws -> [SnapshotItem] {
      let all = items[part] ?? []
      let start = last.flatMap { all.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
      return Array(all[start...].prefix(2))
    }
  }
}
