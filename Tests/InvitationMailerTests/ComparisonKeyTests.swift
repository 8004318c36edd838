import Foundation
import Models
import Testing

@testable import InvitationMailer

@Suite("Equivalent addresses")
struct ComparisonKeyTests {
  private static let forms = ["jos\u{E9}@example.com", "JOSE\u{301}@example.com", " jose\u{301}@example.com\u{200B}"]

  private func received(_ email: String) throws -> ReceivedSignIn {
    let signIn = SignIn.sample(email: email)
    return ReceivedSignIn(signIn, of: try signIn.event())
  }

  @Test(arguments: forms)
  func `Sign-ins with equivalent addresses belong to the same user`(form: String) throws {
    let first = try received(Self.forms[0])
    #expect(try received(form).promotion.resource == first.promotion.resource)
    #expect(try received(form).emailKeys.first == first.emailKeys.first)
    #expect(first.emailKeys.count == 1)
  }

  @Test func `Data stored under the former key of an address is found`() throws {
    let former = try #require(SignInKey.former(Self.forms[1], in: .acme))
    let key = WorkspaceSignInKey(.acme, former)
    let signIn = try received(Self.forms[1])
    #expect(signIn.emailKeys.last == key)
    let divided = SignInStore.divide([signIn], active: [key], activeUsers: [])
    #expect(divided.unpromoted.isEmpty)
    #expect(divided.skipped.keys.map(\.self) == [key])

    var known = KnownState.acme()
    known.skippedSignIns[key] = .sample.adding(seconds: 5)
    var decider = InvitationDecider(known: known)
    decider.decide(.user(.ana, .created, .invited, version: 1, email: Self.forms[1]))
    #expect(decider.changes.promotions.map(\.user) == [.ana])
  }

  @Test(arguments: forms)
  func `A change to an equivalent address sends no further invitation`(form: String) {
    var decider = InvitationDecider(known: .acme())
    decider.decide(.user(.ana, .created, .invited, version: 1, email: Self.forms[0]))
    decider.decide(.user(.ana, .updated, .invited, version: 2, email: form))
    #expect(decider.changes.invitations.map(\.version) == [1])
    decider.decide(.user(.ana, .updated, .invited, version: 3, email: "jose@example.com"))
    #expect(decider.changes.invitations.map(\.version) == [1, 3])
  }
}
