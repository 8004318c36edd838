import Foundation
import Models
import Testing

@testable import InvitationMailer

@Suite("Decisions about invitations")
struct InvitationDecisionTests {
  private func changes(_ events: [IdentityEvent], known: KnownState = .acme()) -> MailerChanges {
    var decider = InvitationDecider(known: known)
    for event in events { decider.decide(event) }
    return decider.changes
  }

  @Test(arguments: [
    (UserChanged.Change.created, UserState.invited, true), (.created, .active, false), (.created, .disabled, false),
    (.enabled, .invited, true), (.enabled, .active, false), (.updated, .invited, false), (.updated, .active, false),
    (.updated, .disabled, false), (.activated, .active, false), (.disabled, .disabled, false), (.deleted, .disabled, false),
    (.restated, .invited, false), (.restated, .active, false), (.restated, .disabled, false),
  ])
  func `Only a user who becomes invited gets an invitation, and only one`(change: UserChanged.Change, state: UserState, isInvited: Bool) {
    let changes = changes([.user(.ana, change, state, version: 1)])
    #expect(changes.invitations.map(\.disposition.state) == (isInvited ? [.scheduled] : []))
    #expect(changes.users[.ana]?.version == 1)
  }

  @Test(arguments: [
    (UserChanged.Change.activated, UserState.active), (.disabled, .disabled), (.deleted, .disabled), (.updated, .active),
    (.restated, .active),
  ])
  func `The invitations of a user who is no longer invited are withdrawn`(change: UserChanged.Change, state: UserState) {
    let changes = changes([.user(.ana, .created, .invited, version: 1), .user(.ana, change, state, version: 2)])
    let state: InvitationState = state == .active ? .accepted : .revoked
    #expect(changes.withdrawals.map { $0[.ana]?.state } == [state])
    #expect(changes.withdrawals.map { $0[.ana]?.upTo } == [2])
    #expect(changes.invitations.map(\.version) == [1])
  }

  @Test func `A re-enabled user gets a new invitation, which the earlier disabling does not cancel`() {
    let changes = changes([
      .user(.ana, .created, .invited, version: 1), .user(.ana, .disabled, .disabled, version: 2),
      .user(.ana, .enabled, .invited, version: 3),
    ])
    #expect(changes.invitations.map(\.version) == [1, 3])
    #expect(Set(changes.invitations.map(\.id)).count == 2)
    #expect(changes.withdrawals.map { $0[.ana]?.upTo } == [2])
  }

  @Test func `Values too large for an event keep their known value, and a template without its texts is ignored`() throws {
    let large = String(repeating: "x", count: 1 << 20)
    func reduced(_ event: IdentityEvent) throws -> IdentityEvent {
      let event = try event.cloudEvent(id: event.identity, source: "identity-store/0", time: .sample, traceparent: nil)
      return try IdentityEvent(try #require(try event.withoutLargeFields()))
    }
    let known = changes([
      .user(.ana, .created, .invited, version: 1), try reduced(.user(.ana, .updated, .invited, version: 2, email: large)),
    ])
    #expect(known.invitations.map(\.version) == [1] && known.withdrawals.isEmpty)
    guard case .invited(let invitee) = known.users[.ana]?.state else { throw MessageError.missing(attribute: "state") }
    #expect(invitee.email == "ana@example.com")
    #expect(changes([try reduced(.ordered(.setTemplate(InvitationTemplate(language: "de", html: large))))]).templates.isEmpty)
  }

  @Test(arguments: [Int64(1), 2, 3])
  func `An event that is not newer than the known state changes nothing`(version: Int64) {
    let known = KnownState.acme(version: 3, users: [.ana: KnownUser(version: 3)])
    #expect(changes([.user(.ana, .created, .invited, version: version), .workspace(version: version)], known: known) == MailerChanges())
    #expect(changes([.user(.ana, .enabled, .invited, version: 4)], known: known).invitations.count == 1)
  }

  @Test func `A duplicate event in a batch is ignored`() {
    let event = IdentityEvent.user(.ana, .created, .invited, version: 1)
    #expect(changes([event, event]) == changes([event]))
  }

  @Test(arguments: [nil, ""])
  func `Without an email address the invitation has failed`(email: String?) {
    let changes = changes([.user(.ana, .created, .invited, version: 1, email: email)])
    #expect(changes.invitations.map(\.disposition) == [.failed(reason: "the user has no email address")])
  }

  @Test func `Users without an address are one warning per workspace`() throws {
    let others = (0..<60).map { UserID(bytes: [200, UInt8($0)]) }
    let changes = changes(
      [.user(.ana, .created, .invited, version: 1)]
        + others.map { .user(UserKey(workspace: .acme, id: $0), .created, .invited, version: 1, email: nil) })
    let groups = UnsendableInvitations.groups(of: changes.invitations)
    let group = try #require(groups.first)
    #expect(groups.count == 1 && group.workspace == .acme && group.users == others)
    #expect(group.metadata["count"] == "60")
    #expect(group.metadata["users"]?.description.split(separator: ",").count == UnsendableInvitations.maximumNamed)
  }

  @Test func `Personal data is only stored for invited users`() {
    let changes = changes([
      .user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1),
      .user(.ben, .activated, .active, version: 2),
    ])
    #expect(
      changes.users[.ana]?.state == .invited(Invitee(email: "ana@example.com", givenName: "Ana", displayName: "Ana Lopez", language: nil)))
    #expect(changes.users[.ben]?.state == .active)
    #expect(changes.erasedUsers.isEmpty)
  }

  @Test func `A deleted user's data is erased`() {
    let changes = changes([.user(.ana, .created, .invited, version: 1), .user(.ana, .deleted, .disabled, version: 2)])
    #expect(changes.users == [.ana: UserRecord(key: .ana, version: 2, state: .deleted, nameKey: nil, emailKey: nil)])
    #expect(changes.erasedUsers == [.ana])
  }

  @Test func `The newest settings of a workspace are stored`() {
    let changes = changes([.workspace(name: "Old"), .workspace(name: "New", version: 2)], known: KnownState())
    #expect(changes.workspaces[.acme]?.settings.name == "New")
    #expect(changes.workspaces[.acme]?.version == 2)
  }

  @Test func `An invitation's id is derived from workspace, user and version`() throws {
    let id = NewInvitation.id(of: .ana, version: 1)
    #expect(id == NewInvitation.id(of: .ana, version: 1))
    let other = WorkspaceID("01997b5d-0000-7000-8000-000000000002")!
    let different = [
      NewInvitation.id(of: .ana, version: 2), NewInvitation.id(of: .ben, version: 1),
      NewInvitation.id(of: UserKey(workspace: other, id: .ana), version: 1),
    ]
    #expect(Set(different + [id]).count == 4)
    // UUID version 8, variant 10.
    let text = Array(id.description)
    #expect(text[14] == "8")
    #expect("89ab".contains(text[19]))
  }
}

extension KnownState {
  /// A state that contains the workspace of the tests.
  static func acme(
    _ policy: InvitationPolicy = InvitationPolicy(), version: Int64 = 1, users: [UserKey: KnownUser] = [:]
  ) -> KnownState {
    var known = KnownState(users: users)
    if case .workspaceChanged(let event) = IdentityEvent.workspace(version: version, policy: policy) {
      known.workspaces[.acme] = WorkspaceRecord(id: .acme, settings: event.settings, version: version)
    }
    return known
  }
}
