import Foundation
import Models
import SCIM
import Testing

@testable import IdentityStore

@Suite("Seat limits")
struct SeatTests {
  /// A workspace with a seat limit, and as many users as given.
  private static func limited(_ limit: Int, _ policy: SeatLimit.Policy, users: Int) -> (fixture: Fixture, users: [ResourceID]) {
    var fixture = Fixture(seats: SeatLimit(limit: limit, policy: policy))
    let users = (0..<users).map { fixture.createUser(#"{"userName":"user-\#($0)@example.com"}"#).id }
    return (fixture, users)
  }

  @Test("Beyond the limit a user is rejected with 403, the limit and advice, and nothing is written")
  func rejected() {
    let (created, users) = Self.limited(2, .reject, users: 2)
    var fixture = created
    let (id, outcome) = fixture.createUser(#"{"userName":"late@example.com"}"#)
    #expect(outcome.status == 403)
    #expect(outcome.error.contains("All 2 seats") && outcome.error.contains("--seats 3"))
    #expect(fixture.user(id) == nil)
    #expect(fixture.createUser(#"{"userName":"disabled@example.com","active":false}"#).outcome.status == 201)
    // A user who has a seat can be changed.
    #expect(fixture.set("displayName", to: #""New""#, of: users[0]).status == 200)
    #expect(fixture.set("active", to: "true", of: users[0]).status == 200)
  }

  @Test("A user who is disabled or deleted frees a seat, and every way to be enabled takes one")
  func takenAndFreed() throws {
    let (created, users) = Self.limited(2, .reject, users: 2)
    var fixture = created
    #expect(fixture.set("active", to: "false", of: users[0]).status == 200)
    let (third, _) = fixture.createUser(#"{"userName":"user-2@example.com"}"#)
    #expect(fixture.user(third)?.state == .invited)
    // PATCH, PUT and a POST that reuses the record.
    #expect(fixture.set("active", to: "true", of: users[0]).status == 403)
    let enabled = Fixture.user(#"{"userName":"user-0@example.com","active":true,"displayName":"Changed"}"#)
    #expect(fixture.decide(.replaceUser(document: enabled), on: users[0]).status == 403)
    #expect(fixture.createUser(#"{"userName":"user-0@example.com"}"#).outcome.status == 403)
    let user = try #require(fixture.user(users[0]))
    #expect(user.state == .disabled && user.displayName == nil)
    #expect(fixture.decide(.deleteUser, on: users[1]).status == 204)
    let (relinked, outcome) = fixture.createUser(#"{"userName":"user-0@example.com"}"#)
    #expect(outcome.status == 201 && relinked == users[0])
    #expect(fixture.user(users[0])?.state == .invited)
  }

  @Test("A userName that is given to another person needs no second seat")
  func reassigned() {
    let rule = ChangeGuard(maximumDeactivations: 0, notify: "admin@example.com")
    var fixture = Fixture(changeGuard: rule, seats: SeatLimit(limit: 1))
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"1"}"#)
    #expect(fixture.set("active", to: "false", of: ana).status == 200)
    #expect(fixture.user(ana)?.state == .invited, "the deactivation waits")
    let (again, outcome) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"2"}"#)
    #expect(outcome.status == 201 && again == ana)
    #expect(fixture.user(ana)?.state == .invited)
    #expect(fixture.decider.state.seats[Fixture.workspace] == 1)
  }

  @Test("With the policy hold, a user is stored as disabled and waits; repetitions change nothing")
  func held() throws {
    let (created, users) = Self.limited(1, .hold, users: 1)
    var fixture = created
    let (late, outcome) = fixture.createUser(#"{"userName":"late@example.com"}"#)
    #expect(outcome.status == 201)
    guard case .resource(let stored, _) = outcome else { return }
    #expect(String(decoding: stored.document, as: UTF8.self).contains(#""active":false"#))
    #expect(fixture.user(late)?.state == .disabled)
    #expect(fixture.notices.map(\.kind) == [.userEnabled])
    #expect(fixture.set("active", to: "true", of: late).status == 200)
    #expect(fixture.createUser(#"{"userName":"late@example.com"}"#).id == late)
    #expect(fixture.set("displayName", to: #""Late""#, of: late).status == 200)
    #expect(fixture.user(late)?.state == .disabled)
    #expect(fixture.notices.count == 1)
    #expect(fixture.held(late)?.status == .pending)

    let refused = fixture.decideHeld(.approve, on: late)
    #expect(refused.status == 403 && refused.error.contains("All 1 seats"))
    #expect(fixture.held(late)?.status == .pending)
    #expect(fixture.set("active", to: "false", of: users[0]).status == 200)
    #expect(fixture.decideHeld(.approve, on: late).status == 204)
    #expect(fixture.user(late)?.state == .invited)
    #expect(fixture.user(late)?.displayName == "Late")
    #expect(fixture.held(late) == nil)
  }

  @Test("A waiting user gets a seat that is free when the identity provider sends the user again; a rejected one does not")
  func freeSeat() {
    let (created, users) = Self.limited(1, .hold, users: 1)
    var fixture = created
    let (first, _) = fixture.createUser(#"{"userName":"first@example.com"}"#)
    let (second, _) = fixture.createUser(#"{"userName":"second@example.com"}"#)
    #expect(fixture.decideHeld(.reject, on: second).status == 204)
    #expect(fixture.decide(.deleteUser, on: users[0]).status == 204)
    #expect(fixture.set("active", to: "true", of: second).status == 200)
    #expect(fixture.user(second)?.state == .disabled)
    #expect(fixture.set("active", to: "true", of: first).status == 200)
    #expect(fixture.user(first)?.state == .invited)
    #expect(fixture.held(first) == nil)
    #expect(fixture.held(second)?.status == .rejected)
    #expect(fixture.decideHeld(.approve, on: second).status == 403, "the seat is taken again")
    #expect(fixture.held(second)?.status == .rejected)
    // A deactivation is a different request, so the next activation is decided anew.
    #expect(fixture.set("active", to: "false", of: second).status == 200)
    #expect(fixture.held(second) == nil)
    #expect(fixture.set("active", to: "true", of: second).status == 200)
    #expect(fixture.held(second)?.status == .pending)
  }

  @Test("A rejected user can still be approved")
  func changeOfMind() {
    let (created, users) = Self.limited(1, .hold, users: 1)
    var fixture = created
    let (late, _) = fixture.createUser(#"{"userName":"late@example.com"}"#)
    #expect(fixture.decideHeld(.reject, on: late).status == 204)
    #expect(fixture.decide(.deleteUser, on: users[0]).status == 204)
    #expect(fixture.decideHeld(.approve, on: late).status == 204)
    #expect(fixture.user(late)?.state == .invited)
    #expect(fixture.held(late) == nil)
  }

  @Test("An early sign-in counts when a waiting user gets a seat")
  func earlySignIn() {
    let (created, users) = Self.limited(1, .hold, users: 1)
    var fixture = created
    let signIn = SignIn(workspace: Fixture.workspace, email: "late@example.com", user: nil, signedInAt: Fixture.start)
    fixture.decide(.promoteUser(signIn), on: fixture.id())
    let (late, _) = fixture.createUser(#"{"userName":"late@example.com"}"#)
    #expect(fixture.user(late)?.state == .disabled)
    fixture.decide(.deleteUser, on: users[0])
    #expect(fixture.decideHeld(.approve, on: late).status == 204)
    #expect(fixture.user(late)?.state == .active)
  }

  @Test("90 and 100 percent are reported once, until the usage falls below again")
  func alerts() {
    var (fixture, users) = Self.limited(10, .reject, users: 8)
    #expect(fixture.alerts.isEmpty)
    users.append(fixture.createUser(#"{"userName":"user-8@example.com"}"#).id)
    users.append(fixture.createUser(#"{"userName":"user-9@example.com"}"#).id)
    #expect(fixture.alerts.map(\.kind) == [.seatsWarning, .seatsExhausted])
    #expect(fixture.alerts.map(\.seats) == [.init(used: 9, limit: 10), .init(used: 10, limit: 10)])
    fixture.createUser(#"{"userName":"late@example.com"}"#)
    fixture.set("displayName", to: #""New""#, of: users[0])
    #expect(fixture.alerts.count == 2)
    fixture.set("active", to: "false", of: users[0])
    fixture.set("active", to: "true", of: users[0])
    #expect(fixture.alerts.map(\.kind) == [.seatsWarning, .seatsExhausted, .seatsExhausted])
    for user in users[..<2] { fixture.set("active", to: "false", of: user) }
    fixture.set("active", to: "true", of: users[0])
    #expect(fixture.alerts.last?.kind == .seatsWarning)
  }

  @Test("A limit that is set below the usage is reported, and an invalid one is rejected")
  func loweredLimit() throws {
    var (fixture, _) = Self.limited(20, .reject, users: 5)
    var settings = try #require(fixture.decider.state.workspaces[Fixture.workspace]?.settings)
    settings.seats = SeatLimit(limit: 0)
    let refused = fixture.decide(.updateWorkspace(settings), on: Fixture.workspace.resource)
    #expect(refused.status == 400 && refused.error.contains("number of seats"))
    settings.seats = SeatLimit(limit: 4)
    #expect(fixture.decide(.updateWorkspace(settings), on: Fixture.workspace.resource).status == 204)
    #expect(fixture.alerts.map(\.seats) == [.init(used: 5, limit: 4)])
    #expect(fixture.createUser(#"{"userName":"late@example.com"}"#).outcome.error.contains("--seats 6"))
  }

  @Test("Without a limit nothing is counted")
  func unlimited() {
    var fixture = Fixture()
    for number in 0..<5 { #expect(fixture.createUser(#"{"userName":"user-\#(number)@example.com"}"#).outcome.status == 201) }
    #expect(fixture.alerts.isEmpty && fixture.decider.state.seats.isEmpty)
  }
}
