import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Invitation orders")
struct InvitationOrderTests {
  private func orders(_ fixture: Fixture) -> [InvitationOrder] {
    fixture.decider.events.compactMap { if case .invitationOrdered(let event) = $0.event { event.order } else { nil } }
  }

  @Test("An order about an invited user is published, keyed by the user")
  func passedOn() throws {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    #expect(fixture.decide(.orderInvitation(.resend(ana.user)), on: ana).status == 204)
    #expect(fixture.decide(.orderInvitation(.revoke(ana.user)), on: ana).status == 204)
    #expect(orders(fixture) == [.resend(ana.user), .revoke(ana.user)])
    #expect(fixture.decider.events.last?.event.resource == ana)
    #expect(fixture.user(ana)?.version == 1)
  }

  @Test("Resending is refused for unknown and active users; revoking is possible in any state")
  func refused() throws {
    var fixture = Fixture()
    let nobody = fixture.id()
    #expect(fixture.decide(.orderInvitation(.resend(nobody.user)), on: nobody).status == 404)
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    fixture.decide(
      .promoteUser(SignIn(workspace: Fixture.workspace, email: "ana@example.com", user: nil, signedInAt: Fixture.start)), on: fixture.id())
    let outcome = fixture.decide(.orderInvitation(.resend(ana.user)), on: ana)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains("ana@example.com is active"))
    #expect(fixture.decide(.orderInvitation(.revoke(ana.user)), on: ana).status == 204)
    #expect(orders(fixture) == [.revoke(ana.user)])
  }

  @Test("An order about the workspace is published, keyed by the workspace")
  func templates() {
    var fixture = Fixture()
    let order = InvitationOrder.setTemplate(InvitationTemplate(language: "de", subject: "Los"))
    #expect(fixture.decide(.orderInvitation(order), on: Fixture.workspace.resource).status == 204)
    #expect(orders(fixture) == [order])
    #expect(fixture.decider.events.last?.event.resource == Fixture.workspace.resource)
  }
}
