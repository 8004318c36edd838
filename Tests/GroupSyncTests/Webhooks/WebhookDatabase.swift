import Credentials
import Foundation
import Models
import Postgres
import Testing

@testable import GroupSync

/// A directory database with webhook endpoints, and short names for what identity-store publishes about them.
struct WebhookDatabase: Sendable {
  static let seal = WebhookSeal(secret: "the webhooks of the tests")
  let directory: DirectoryDatabase
  let secret = WebhookSecret.made()

  var store: WebhookStore { WebhookStore(pool: directory.pool) }

  static func start() async throws -> WebhookDatabase {
    WebhookDatabase(directory: try await DirectoryDatabase.start())
  }

  /// An endpoint with a sealed secret.
  func endpoint(_ number: UInt8 = 1, of workspace: WorkspaceID = Fixture.workspace, url: String, types: [DirectoryEvent.Kind]? = nil) throws
    -> WebhookEndpoint
  {
    var endpoint = PlanFixture.endpoint(number, of: workspace, types: types)
    endpoint.url = url
    endpoint.sealedSecret = try #require(Self.seal).seal(secret, for: endpoint.id)
    return endpoint
  }

  /// Stores a change of an endpoint.
  func change(_ endpoint: WebhookEndpoint, _ change: WebhookChanged.Change = .created) async throws {
    try await directory.apply([
      .webhookChanged(WebhookChanged(endpoint: endpoint, change: change, actor: "operator:ana", changedAt: Fixture.time))
    ])
  }

  /// Stores an order.
  func order(_ order: WebhookOrder, _ number: UInt8, of workspace: WorkspaceID = Fixture.workspace) async throws {
    let id = CommandID(UUID(uuid: (5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)))
    try await directory.apply([
      .webhookOrdered(WebhookOrdered(id: id, workspace: workspace, order: order, actor: "operator:ana", orderedAt: Date()))
    ])
  }

  /// Creates active users, each of which causes one event; returns the last sequence number.
  func createUsers(_ numbers: ClosedRange<UInt8>) async throws {
    try await directory.apply(numbers.map { Fixture.userEvent(Fixture.user($0), .created, .active, version: 1) })
  }

  /// The events of the log, in their order.
  func log() async throws -> [(sequence: Int64, type: String)] {
    try await directory.pool.query(
      Statement("logged", "select sequence, type from directory.events where workspace_id = $1 order by sequence"),
      [.uuid(Fixture.workspace.uuid)]
    ).map { (Int64(try $0.int(0)), try $0.string(1)) }
  }

  /// The stored cursor of an endpoint for the workspace of the tests; nil if there is none.
  func cursor(of endpoint: WebhookEndpoint) async throws -> DeliveryLane.Cursor? {
    let key = LaneKey(endpoint: endpoint.key, workspace: Fixture.workspace)
    let isStored = try await directory.pool.query(
      Statement("stored", "select from directory.webhook_cursors where endpoint_id = $1"), [.uuid(endpoint.id.uuid)])
    return isStored.isEmpty ? nil : try await store.lanes([key]).first?.cursor
  }

  /// The rows of the delivery log: sequence (0 for a test), attempt, status (0 without response) and whether it was delivered.
  func deliveries() async throws -> [DeliveryRow] {
    try await directory.reader.query(
      Statement(
        "deliveries",
        """
        select coalesce(sequence, 0), attempt, coalesce(status, 0), delivered, coalesce(error, ''), coalesce(response_body, '')
        from directory_read.webhook_deliveries
        order by at, id
        """)
    ).map {
      DeliveryRow(
        sequence: try $0.int(0), attempt: try $0.int(1), status: try $0.int(2), isDelivered: try $0.bool(3), error: try $0.string(4),
        body: try $0.string(5))
    }
  }

  struct DeliveryRow: Sendable, Equatable {
    var sequence: Int
    var attempt: Int
    var status: Int
    var isDelivered: Bool
    var error: String
    var body: String
  }

  /// A dispatcher for all workspaces.
  func dispatcher(
    limits: DeliveryLimits = DeliveryLimits(), schedule: WebhookRetrySchedule = WebhookRetrySchedule(delays: [0.05]),
    clientLimits: WebhookClient.Limits = .init(), allowsPrivateAddresses: Bool = true,
    disable: @escaping @Sendable (WebhookEndpoint, String) async throws -> Void = { _, _ in }
  ) -> WebhookDispatcher {
    let client = WebhookClient(allowsPrivateAddresses: allowsPrivateAddresses, limits: clientLimits)
    let dispatcher = WebhookDispatcher(
      pool: directory.pool, sender: WebhookSender(client: client, seal: Self.seal, logger: quiet), client: client, limits: limits,
      schedule: schedule, logger: quiet, disable: disable)
    dispatcher.assign(PlanFixture.everything)
    return dispatcher
  }
}
