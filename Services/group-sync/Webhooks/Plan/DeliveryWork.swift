import Foundation
import Models

/// A request to send an event to an endpoint.
struct DeliveryRequest: Sendable, Hashable {
  var key: LaneKey
  /// The endpoint as it was when the request was planned.
  var endpoint: WebhookEndpoint
  var event: LoggedEvent
  /// The number of the attempt, from 1 on.
  var attempt: Int
  /// Whether it is sent ahead of its turn.
  var isAhead: Bool
  /// Whether the endpoint did not respond the last time.
  var isProbe: Bool
}

/// A test that an administrator ordered.
struct TestOrder: Sendable, Hashable {
  var id: CommandID
  var endpoint: WebhookEndpoint
  var orderedAt: Date
}

/// The outcome of a request.
enum DeliveryOutcome: Sendable, Hashable {
  /// The response had a status of 2xx.
  case delivered
  /// The response had another status.
  case rejected(String)
  /// There was no response in time, or no connection.
  case unreachable(String)
  /// Nothing was sent, for a reason that the operator of the suite has to repair.
  case unsendable(String)

  /// Why it was not delivered, for people to read.
  var error: String? {
    switch self {
    case .delivered: nil
    case .rejected(let reason), .unreachable(let reason), .unsendable(let reason): reason
    }
  }

  var isDelivered: Bool { self == .delivered }

  var isUnreachable: Bool {
    if case .unreachable = self { true } else { false }
  }
}

/// The result of a request.
struct DeliveryResult: Sendable, Hashable {
  var outcome: DeliveryOutcome
  var startedAt: Date
  var duration: Duration
  /// The status of the response; nil if there was none.
  var status: Int?
  /// The beginning of the headers of the response.
  var head: String?
  /// The beginning of the body of the response.
  var body: String?
}

/// What the dispatcher does next.
enum DeliveryWork: Sendable {
  /// Reads the endpoints that changed after a revision, and lanes with undelivered events: of these endpoints and of `others`.
  case refresh(after: Int64, others: [EndpointKey: WebhookEndpoint])
  /// Reads the cursors of lanes.
  case load([LaneKey])
  /// Reads events of a lane from the log.
  case read(LaneKey, after: Int64, types: [String]?, latest: Int64)
  /// Reads events of a lane that are attempted ahead of their turn.
  case readUrgent(LaneKey, after: Int64)
  case send(DeliveryRequest)
  case test(TestOrder)
  /// Asks identity-store to disable an endpoint.
  case disable(WebhookEndpoint, reason: String)
}

/// A cursor that was read, with the last event of the workspace.
struct StoredLane: Sendable, Hashable {
  var key: LaneKey
  var cursor: DeliveryLane.Cursor
  var latest: Int64
}

/// The outcome of a refresh.
struct RefreshedEndpoints: Sendable {
  /// The revision up to which all changes were read.
  var revision: Int64
  /// The endpoints that changed. Deleted ones are in ``deleted``.
  var changed: [WebhookEndpoint]
  var deleted: [EndpointKey]
  /// Lanes with undelivered events.
  var lanes: [StoredLane]
  /// Tests that were not sent yet.
  var tests: [TestOrder]
}

/// A row of the delivery log.
struct DeliveryRecord: Sendable, Hashable {
  var owner: WorkspaceID
  var endpoint: WebhookID
  var workspace: WorkspaceID
  var sequence: Int64?
  var eventID: String
  var type: String
  var attempt: Int
  var isAhead: Bool
  var url: String
  var result: DeliveryResult
}

/// What is recorded in one statement.
struct DeliveryRecording: Sendable {
  var lanes: [(key: LaneKey, cursor: DeliveryLane.Cursor)] = []
  var deliveries: [DeliveryRecord] = []
  /// Tests that were sent, with the workspaces of their endpoints.
  var tests: [(owner: WorkspaceID, id: CommandID)] = []

  var isEmpty: Bool { lanes.isEmpty && deliveries.isEmpty && tests.isEmpty }
}
