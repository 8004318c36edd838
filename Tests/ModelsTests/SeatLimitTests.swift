import Foundation
import Models
import Testing

@Suite("Seat limits and the change guard")
struct SeatLimitTests {
  @Test(
    "A threshold is reported when it is reached, and not again while the usage stays above it",
    arguments: [
      (100, 0, 89, nil), (100, 89, 90, .seatsWarning), (100, 90, 99, nil), (100, 99, 100, .seatsExhausted), (100, 0, 100, .seatsExhausted),
      (100, 100, 120, nil), (100, 120, 95, nil), (1, 0, 1, .seatsExhausted), (2, 0, 1, nil), (15, 13, 14, .seatsWarning),
    ] as [(Int, Int, Int, WorkspaceAlert.Kind?)])
  func thresholds(limit: Int, former: Int, used: Int, alert: WorkspaceAlert.Kind?) {
    let seats = SeatLimit(limit: limit)
    #expect(seats.alert(for: used, after: former, of: seats) == alert)
  }

  @Test("A new or lower limit is reported if the usage reaches it")
  func newLimit() {
    #expect(SeatLimit(limit: 10).alert(for: 10, after: 10, of: nil) == .seatsExhausted)
    #expect(SeatLimit(limit: 10).alert(for: 9, after: 9, of: SeatLimit(limit: 20)) == .seatsWarning)
    #expect(SeatLimit(limit: 20).alert(for: 10, after: 10, of: SeatLimit(limit: 10)) == nil)
    #expect(SeatLimit(limit: 5).alert(for: 10, after: 10, of: SeatLimit(limit: 10)) == nil, "it was exhausted before")
  }

  @Test("Limits outside the range are invalid", arguments: [(0, false), (-1, false), (1, true), (10_000_000, true), (10_000_001, false)])
  func range(limit: Int, isValid: Bool) {
    #expect((SeatLimit(limit: limit).fault == nil) == isValid)
  }

  @Test("Settings and guards of earlier versions are read, and those with the new members round-trip")
  func coding() throws {
    let stored = #"{"maximumShrink":0.3,"minimumMembers":10,"notify":"admin@example.com"}"#
    let former: ChangeGuard = try JSONData.decode(from: Array(stored.utf8), type: "guard")
    #expect(former == ChangeGuard(maximumShrink: 0.3, notify: "admin@example.com"))
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example",
      changeGuard: ChangeGuard(holdsLastAdmin: true, notify: "admin@example.com"), seats: SeatLimit(limit: 5, policy: .hold))
    let read: WorkspaceSettings = try JSONData.decode(from: try JSONData.encode(settings), type: "settings")
    #expect(read == settings)
    let limit: SeatLimit = try JSONData.decode(from: Array(#"{"limit":5}"#.utf8), type: "seats")
    #expect(limit == SeatLimit(limit: 5, policy: .reject))
    settings.seats = nil
    let unlimited: WorkspaceSettings = try JSONData.decode(from: try JSONData.encode(settings), type: "settings")
    #expect(unlimited.seats == nil)
  }

  @Test("A guard needs at least one rule")
  func rules() {
    #expect(ChangeGuard(notify: "admin@example.com").fault != nil)
    #expect(ChangeGuard(holdsLastAdmin: true, notify: "admin@example.com").fault == nil)
  }
}
