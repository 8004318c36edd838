import Foundation
import Models
import TestSupport
import Testing

@testable import GroupSync

@Suite("Alerts of a workspace")
struct WorkspaceAlertTests {
  private static func alert(_ kind: WorkspaceAlert.Kind, command: UInt8, used: Int? = nil) -> IdentityEvent {
    .workspaceAlert(
      WorkspaceAlert(
        command: CommandID(UUID(uuid: (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, command))), workspace: Fixture.workspace, kind: kind,
        seats: used.map { WorkspaceAlert.Seats(used: $0, limit: 10) }, occurredAt: Fixture.time))
  }

  @Test("are events for the product, in the order of the changes and each once, however often they are delivered")
  func publishing() async throws {
    let store = try await DirectoryDatabase.start()
    let (warning, exhausted) = (Self.alert(.seatsWarning, command: 1, used: 9), Self.alert(.seatsExhausted, command: 2, used: 10))
    let user = Fixture.userEvent(Fixture.user(1), .created, .invited, version: 1)
    try await store.apply([warning, user, warning])
    try await store.apply([warning, exhausted, Self.alert(.noActiveAdmin, command: 2)])
    // The same condition again, later.
    try await store.apply([exhausted, Self.alert(.seatsWarning, command: 3, used: 9)])

    let events = try await store.messages()
    #expect(
      events.map(\.type) == [
        .workspaceSeatsWarning, .memberInvited, .workspaceSeatsExhausted, .workspaceNoActiveAdmin, .workspaceSeatsWarning,
      ])
    #expect(events.map(\.sequence) == [1, 2, 3, 4, 5])
    #expect(events.map(\.seats?.used) == [9, nil, 10, nil, 9])
    #expect(events.first?.subject == Fixture.workspace.description)
    #expect(Set(events.map(\.id)).count == events.count)
    let logged = try await store.log()
    #expect(logged == events)
  }
}
