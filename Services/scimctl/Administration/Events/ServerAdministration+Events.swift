import Foundation
import Models
import SCIM

/// The events to read.
struct EventSelection: Sendable, Equatable {
  /// A cursor, `latest`, or nil for the oldest event.
  var after: String?
  var types: [DirectoryEvent.Kind] = []
  /// The maximum number of events of a page.
  var limit = 100
  /// How long the server waits for an event if there is none, in seconds.
  var wait = 0
}

extension ServerAdministration {
  /// Reads a page of events.
  func events(_ selection: EventSelection, of owner: TokenOwner) async throws -> EventPage {
    let types = selection.types.map(\.rawValue).joined(separator: ",")
    let query: [(name: String, value: String?)] = [
      (name: "after", value: selection.after), (name: "types", value: types.isEmpty ? nil : types),
      (name: "limit", value: "\(selection.limit)"), (name: "wait", value: selection.wait > 0 ? "\(selection.wait)" : nil),
      (name: "workspace", value: Self.workspaceName(of: owner)),
    ]
    let page = try await client.get(.api("events"), query: query).json().object
    guard let events = page?["events"]?.array, let cursor = page?["cursor"]?.string else {
      throw ScimctlError(.internal, "the server's response is not a page of events; it is of another version than this scimctl")
    }
    let hasMore = page?["hasMore"] == true
    return EventPage(events: try events.map { try EventRow(response: $0) }, cursor: cursor, hasMore: hasMore)
  }

  /// Reads a snapshot of the directory, and passes its lines on as they arrive.
  ///
  /// - Throws: ``ScimctlError`` if the snapshot is incomplete; whatever `receive` throws.
  func snapshot(of owner: TokenOwner, _ receive: ([UInt8]) throws -> Void) async throws {
    var request = ManagementRequest(
      .get, .api("events", "snapshot"), query: [(name: "workspace", value: Self.workspaceName(of: owner))])
    request.timeout = Self.snapshotTimeout
    var last = LastLine()
    try await client.stream(request) { bytes in
      last.append(bytes)
      try receive(bytes)
    }
    guard last.endsSnapshot else {
      throw ScimctlError(
        .temporary, "the snapshot is incomplete: its last line is not the one of type 'end'. Discard it, and read it again")
    }
  }

  /// The time that the server allows for a snapshot.
  private static let snapshotTimeout = Duration.seconds(900)

  private static func workspaceName(of owner: TokenOwner) -> String? { owner.id == .deployment ? nil : "\(owner.id)" }
}
