import Foundation
import Models
import Postgres

/// The endpoints, cursors and deliveries in PostgreSQL, as the dispatcher uses them.
struct WebhookStore: Sendable {
  let pool: PostgresPool

  /// The number of events that are read together.
  static let page = 100
  /// The number of events that are read together to be attempted ahead of their turn.
  static let urgentPage = DeliveryLane.maximumUrgent

  /// Reads the endpoints and orders that changed after a revision, and lanes with undelivered events.
  ///
  /// - Parameter others: Endpoints whose lanes are read although they have not changed.
  /// - Throws: `PostgresError`, `PostgresDecodingError`.
  func refresh(after revision: Int64, others: [EndpointKey: WebhookEndpoint]) async throws -> RefreshedEndpoints {
    var result = RefreshedEndpoints(revision: revision, changed: [], deleted: [], lanes: [], tests: [])
    for row in try await pool.query(WebhookStatements.changes, [.int(revision)]) {
      result.revision = Int64(try row.int(0))
      guard let id = try row.optionalUUID(2) else { continue }
      if try row.string(8) == "deleted" {
        result.deleted.append(EndpointKey(owner: WorkspaceID(try row.uuid(1)), id: WebhookID(id)))
      } else {
        result.changed.append(try Self.endpoint(row, id: WebhookID(id)))
      }
    }
    var current = others
    for endpoint in result.changed { current[endpoint.key] = endpoint }
    for key in result.deleted { current[key] = nil }
    guard !current.isEmpty else { return result }
    let tested = current.values.map { $0 }
    for row in try await pool.query(WebhookStatements.tests, Self.columns(tested)) {
      let key = EndpointKey(owner: WorkspaceID(try row.uuid(3)), id: WebhookID(try row.uuid(1)))
      guard let endpoint = current[key] else { continue }
      result.tests.append(TestOrder(id: CommandID(try row.uuid(0)), endpoint: endpoint, orderedAt: try row.timestamp(2)))
    }
    let enabled = tested.filter { $0.state == .enabled }
    if !enabled.isEmpty {
      result.lanes = try await pool.query(WebhookStatements.pendingLanes, Self.columns(enabled)).map(Self.lane)
    }
    return result
  }

  /// Reads cursors.
  func lanes(_ keys: [LaneKey]) async throws -> [StoredLane] {
    try await pool.query(
      WebhookStatements.lanes,
      [
        .uuidArray(keys.map(\.endpoint.owner.uuid)), .uuidArray(keys.map(\.endpoint.id.uuid)), .uuidArray(keys.map(\.workspace.uuid)),
      ]
    ).map(Self.lane)
  }

  /// Reads the next events of a workspace.
  ///
  /// - Parameter types: The types whose data is read; nil: all.
  func events(of workspace: WorkspaceID, after sequence: Int64, types: [String]?) async throws -> [LoggedEvent] {
    try await pool.query(
      WebhookStatements.events,
      [
        .uuid(workspace.uuid), .int(sequence), .optional(types) { .textArray($0.map(Optional.some)) }, .int(Int64(Self.page)),
      ]
    ).map { try Self.event($0, of: workspace) }
  }

  /// Reads the next events of a workspace that are attempted ahead of their turn.
  func urgentEvents(of workspace: WorkspaceID, after sequence: Int64) async throws -> [LoggedEvent] {
    try await pool.query(
      WebhookStatements.urgentEvents,
      [
        .uuid(workspace.uuid), .int(sequence), .text(DirectoryEvent.Kind.accessRevoked.rawValue), .int(Int64(Self.urgentPage)),
      ]
    ).map { try Self.event($0, of: workspace) }
  }

  /// Records results.
  ///
  /// - Returns: The lanes whose cursors were recorded. The others have changed in the database.
  func record(_ recording: DeliveryRecording) async throws -> Set<LaneKey> {
    let rows = try await pool.query(WebhookStatements.record, Self.columns(recording))
    return Set(try rows.map { try Self.key($0, owner: 2) })
  }

  /// Creates the partitions of the next days, and drops those of days more than `keep` days ago.
  func maintain(keep: Int) async throws {
    _ = try await pool.query(WebhookStatements.maintain, [.int(2), .int(Int64(keep))])
  }
}

// MARK: - Rows

extension WebhookStore {
  private static func columns(_ endpoints: [WebhookEndpoint]) -> [PostgresValue] {
    [.uuidArray(endpoints.map(\.workspace.uuid)), .uuidArray(endpoints.map(\.id.uuid))]
  }

  private static func endpoint(_ row: Row, id: WebhookID) throws -> WebhookEndpoint {
    WebhookEndpoint(
      id: id, workspace: WorkspaceID(try row.uuid(1)), url: try row.string(3),
      types: try row.optionalTextArray(4)?.compactMap(DirectoryEvent.Kind.init(rawValue:)), sealedSecret: try row.bytes(5),
      formerSealedSecret: try row.optionalBytes(6), formerSecretUntil: try row.optionalTimestamp(7),
      state: try row.string(8) == WebhookEndpoint.State.enabled.rawValue ? .enabled : .disabled, createdAt: try row.timestamp(10),
      version: Int64(try row.int(9)))
  }

  /// The key of a lane, from the columns of the endpoint's id, the workspace, and the endpoint's owner.
  private static func key(_ row: Row, owner column: Int) throws -> LaneKey {
    LaneKey(
      endpoint: EndpointKey(owner: WorkspaceID(try row.uuid(column)), id: WebhookID(try row.uuid(0))),
      workspace: WorkspaceID(try row.uuid(1)))
  }

  private static func lane(_ row: Row) throws -> StoredLane {
    StoredLane(
      key: try key(row, owner: 10),
      cursor: DeliveryLane.Cursor(
        lastSequence: Int64(try row.int(3)), ahead: Set(try row.intArray(4).map(Int64.init)), attempts: try row.int(5),
        firstFailedAt: try row.optionalTimestamp(6), nextAttemptAt: try row.optionalTimestamp(7), lastError: try row.optionalString(8),
        revision: Int64(try row.int(9))),
      latest: Int64(try row.int(2)))
  }

  private static func event(_ row: Row, of workspace: WorkspaceID) throws -> LoggedEvent {
    LoggedEvent(
      workspace: workspace, sequence: Int64(try row.int(0)), id: try row.string(1), type: try row.string(2),
      changedAt: Timestamp.date(try row.string(4)) ?? .distantPast, data: try row.optionalString(3) ?? "")
  }

  private static func columns(_ recording: DeliveryRecording) -> [PostgresValue] {
    let (lanes, requests, tests) = (recording.lanes, recording.deliveries, recording.tests)
    let cursors = lanes.map(\.cursor)
    return [
      .uuidArray(lanes.map(\.key.endpoint.owner.uuid)), .uuidArray(lanes.map(\.key.endpoint.id.uuid)),
      .uuidArray(lanes.map(\.key.workspace.uuid)), .intArray(cursors.map(\.lastSequence)),
      .textArray(cursors.map { "{\($0.ahead.sorted().map(String.init).joined(separator: ","))}" }),
      .intArray(cursors.map { Int64($0.attempts) }), .timestampArray(cursors.map(\.firstFailedAt)),
      .timestampArray(cursors.map(\.nextAttemptAt)), .textArray(cursors.map(\.lastError)), .intArray(cursors.map(\.revision)),
      .uuidArray(requests.map(\.owner.uuid)), .uuidArray(requests.map(\.endpoint.uuid)),
      .uuidArray(requests.map { DeliveryRecord.newID(at: $0.result.startedAt) }), .timestampArray(requests.map(\.result.startedAt)),
      .uuidArray(requests.map(\.workspace.uuid)), .intArray(requests.map { $0.sequence ?? 0 }), .textArray(requests.map(\.eventID)),
      .textArray(requests.map(\.type)), .textArray(requests.map { WebhookMessage.id(of: $0.eventID, to: $0.endpoint) }),
      .intArray(requests.map { Int64($0.attempt) }), .boolArray(requests.map(\.isAhead)),
      .boolArray(requests.map(\.result.outcome.isDelivered)), .textArray(requests.map(\.url)),
      .intArray(requests.map { Int64($0.result.duration / .milliseconds(1)) }), .intArray(requests.map { Int64($0.result.status ?? 0) }),
      .textArray(requests.map(\.result.outcome.error)), .textArray(requests.map(\.result.head)), .textArray(requests.map(\.result.body)),
      .uuidArray(tests.map(\.owner.uuid)), .uuidArray(tests.map(\.id.uuid)),
    ]
  }
}

extension DeliveryRecord {
  /// The id of a row, which sorts by time.
  static func newID(at time: Date) -> UUID { Identifier<Self>.made(at: time).uuid }
}
