import EdgeHTTP
import Foundation
import Models
import Postgres

/// The reads of the event log.
package protocol EventReads: Sendable {
  /// The events of a query, in order.
  ///
  /// - Throws: ``EventCursorGone`` if the events after the query's cursor are not in the log; the database's errors.
  func events(_ query: EventQuery) async throws -> EventPage

  /// Opens a snapshot of the directory.
  ///
  /// - Throws: the database's errors.
  func snapshot(of scope: EventScope) async throws -> any DirectorySnapshot
}

/// A consistent snapshot of the directory, which is read in pages. It occupies a database connection for its lifetime.
package protocol DirectorySnapshot: Sendable {
  /// The position in the event log that the snapshot is equal to.
  var cursor: EventCursor { get }
  /// When the snapshot was taken.
  var takenAt: Date { get }

  /// The next page of a part, in the order of ids; empty at the end.
  ///
  /// - Parameter last: the last item of the previous page; nil for the first page.
  /// - Throws: the database's errors.
  func page(of part: SnapshotPart, after last: SnapshotItem?) async throws -> [SnapshotItem]
}

/// The parts of a snapshot, in the order in which they are sent.
package enum SnapshotPart: String, Sendable, CaseIterable {
  /// The people of the workspaces.
  case members
  /// The groups.
  case groups
  /// The visible memberships.
  case memberships
}

/// A row of a snapshot.
package struct SnapshotItem: Sendable, Equatable {
  /// The workspace that it belongs to.
  package var workspace: WorkspaceID
  /// The id of the member or group; of a membership, that of the group.
  package var id: ResourceID
  /// The content.
  package var content: Content

  /// The content of an item.
  package enum Content: Sendable, Equatable {
    /// A member as JSON, as in an event.
    case member([UInt8])
    /// A group.
    case group(DirectoryEvent.Group)
    /// A membership of a person in the group.
    case membership(UserID)
  }

  /// An item of a workspace.
  package init(workspace: WorkspaceID, id: ResourceID, content: Content) {
    self.workspace = workspace
    self.id = id
    self.content = content
  }
}

/// A read of the event log.
package struct EventQuery: Sendable, Equatable {
  /// Where a read starts.
  package enum Start: Sendable, Equatable {
    /// With the oldest stored event.
    case oldest
    /// At the end: the page is empty, and its cursor is that of later events.
    case latest
    /// After the position of a cursor, whose scope is that of the query.
    case after(EventCursor)
  }

  /// The events to read.
  package var scope: EventScope
  /// Where to start.
  package var start: Start
  /// The types to return; nil for all.
  package var types: [DirectoryEvent.Kind]?
  /// The workspaces to return, if the scope is the deployment; nil for all.
  package var workspaces: [WorkspaceID]?
  /// The maximum number of events; at least 1.
  package var limit: Int

  /// A read of the events of `scope`.
  package init(
    _ scope: EventScope, from start: Start, types: [DirectoryEvent.Kind]? = nil, workspaces: [WorkspaceID]? = nil, limit: Int
  ) {
    self.scope = scope
    self.start = start
    self.types = types
    self.workspaces = workspaces
    self.limit = limit
  }
}

/// A part of the event log.
package struct EventPage: Sendable, Equatable {
  /// The events of the query, in order.
  package var events: [StoredEvent]
  /// The position after the page. It also advances over events that the query leaves out.
  package var cursor: EventCursor
  /// Whether there were stored events after the page when it was read.
  package var hasMore: Bool

  /// A page that ends at `cursor`.
  package init(events: [StoredEvent], cursor: EventCursor, hasMore: Bool) {
    self.events = events
    self.cursor = cursor
    self.hasMore = hasMore
  }
}

/// An event of the log.
package struct StoredEvent: Sendable, Equatable {
  /// The number of the event in the scope of the query; see ``EventCursor/number``.
  package var number: Int64
  /// The id: the same in every channel.
  package var id: String
  /// The type, such as `member.invited`.
  package var type: String
  /// The workspace.
  package var workspace: WorkspaceID
  /// The number of the event within the workspace.
  package var sequence: Int64
  /// When the event was stored.
  package var storedAt: Date
  /// The event as JSON.
  package var data: [UInt8]

  /// An event of the log.
  package init(
    number: Int64, id: String, type: String, workspace: WorkspaceID, sequence: Int64, storedAt: Date, data: [UInt8]
  ) {
    self.number = number
    self.id = id
    self.type = type
    self.workspace = workspace
    self.sequence = sequence
    self.storedAt = storedAt
    self.data = data
  }
}

/// The ends of the event log, with which requests that wait are compared.
package struct EventEnds: Sendable, Equatable {
  /// The position of the last event.
  package var position: Int64
  /// The sequence number of the last event of each workspace that was asked for and has events.
  package var sequences: [WorkspaceID: Int64]

  /// The ends of the log and of some workspaces.
  package init(position: Int64, sequences: [WorkspaceID: Int64] = [:]) {
    self.position = position
    self.sequences = sequences
  }
}

/// The events after a cursor are not in the log, so the client must start again with a snapshot.
package enum EventCursorGone: Error, Sendable, Equatable {
  /// They were stored longer ago than the log keeps events.
  case expired
  /// The cursor is from an event log that was lost, or that a backup has replaced.
  case otherLog
}

/// The deployment has no connection for reads across workspaces, so its feed is not available.
package struct DeploymentFeedMissing: Error, Sendable {
  /// The error.
  package init() {}
}
