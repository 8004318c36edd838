import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Orders to the mailer")
struct InvitationOrderTests {
  private func orders(_ bench: Bench) -> [InvitationOrder] {
    bench.decider.events.compactMap { if case .invitationOrdered(let event) = $0.event { event.order } else { nil } }
  }

  @Test("An order about someone invited is passed on, keyed by the person")
  func passedOn() throws {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    #expect(bench.decide(.orderInvitation(.resend(ana.user)), on: ana).status == 204)
    #expect(bench.decide(.orderInvitation(.revoke(ana.user)), on: ana).status == 204)
    #expect(orders(bench) == [.resend(ana.user), .revoke(ana.user)])
    #expect(bench.decider.events.last?.event.resource == ana)
    #expect(bench.user(ana)?.version == 1)
  }

  @Test("Nobody is invited who is not there, or is in already; whose mail is revoked may be in any state")
  func refused() throws {
    var bench = Bench()
    let nobody = bench.id()
    #expect(bench.decide(.orderInvitation(.resend(nobody.user)), on: nobody).status == 404)
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    bench.decide(
      .promoteUser(SignIn(workspace: Bench.workspace, email: "ana@example.com", user: nil, signedInAt: Bench.start)), on: bench.id())
    let outcome = bench.decide(.orderInvitation(.resend(ana.user)), on: ana)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains("ana@example.com is active"))
    #expect(bench.decide(.orderInvitation(.revoke(ana.user)), on: ana).status == 204)
    #expect(orders(bench) == [.revoke(ana.user)])
  }

  @Test("An order about the workspace is passed on, keyed by it")
  func templates() {
    var bench = Bench()
    let order = InvitationOrder.setTemplate(InvitationTemplate(language: "de", subject: "Los"))
    #expect(bench.decide(.orderInvitation(order), on: Bench.workspace.resource).status == 204)
    #expect(orders(bench) == [order])
    #expect(bench.decider.events.last?.event.resource == Bench.workspace.resource)
  }
}
