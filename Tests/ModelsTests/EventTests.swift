import Foundation
import Models
import Testing

@Suite("Events")
struct EventTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.25)
  private static let workspace = WorkspaceID.made(at: time)
  private static let user = UserID.made(at: time)

  private static let events: [IdentityEvent] =
    UserChanged.Change.allCases.map { change in
      .userChanged(
        UserChanged(
          workspace: workspace,
          user: UserSnapshot(
            id: user, state: .invited, userName: "ana", displayName: "Ana \"Zoë\" Silva", givenName: "Ana", familyName: "Silva",
            email: "ana@example.com", language: "pt-BR", role: "editor", firstSignedInAt: time, externalID: "00u1", accountID: "4711",
            title: "Engineer", department: "R&D", manager: ManagerReference(value: "26118915"),
            attributes: ["urn:example:acme:2.0:User": .object(["floor": .integer(3), "tags": .array([.string("a"), .null, .bool(true)])])]),
          change: change, version: 3, changedAt: time))
    } + [
      .userChanged(
        UserChanged(workspace: workspace, user: UserSnapshot(id: user, state: .disabled), change: .deleted, version: 4, changedAt: time)),
      .userChanged(
        UserChanged(
          workspace: workspace, user: UserSnapshot(id: user, state: .invited), change: .restated, version: 4, changedAt: time,
          invitation: .init(createdAt: time, missing: .all))),
      .groupChanged(
        GroupChanged(
          workspace: workspace, group: .made(at: time), displayName: "Data team", externalID: nil, change: .updated, version: 2, part: 1,
          addedMembers: [user], removedMembers: [], changedAt: time)),
      .groupChanged(
        GroupChanged(
          workspace: workspace, group: .made(at: time), displayName: "Data team", externalID: nil, change: .restated, version: 2, part: 0,
          addedMembers: [user], removedMembers: [], range: MemberRange(after: nil, through: user), changedAt: time)),
      .workspaceChanged(
        WorkspaceChanged(
          workspace: workspace,
          settings: WorkspaceSettings(
            slug: "acme", name: "Acme", plan: .team, samlSSO: false, scimEnabled: true, signInURL: "https://acme.example"),
          version: 1, changedAt: time)),
      .signInRefused(SignInRefused(workspace: workspace, user: user, signedInAt: time)),
      .workspaceAlert(
        WorkspaceAlert(
          command: .made(at: time), workspace: workspace, kind: .seatsWarning, seats: .init(used: 90, limit: 100), occurredAt: time)),
      .workspaceAlert(
        WorkspaceAlert(
          command: .made(at: time), workspace: workspace, kind: .seatsExhausted, seats: .init(used: 100, limit: 100), occurredAt: time)),
      .workspaceAlert(
        WorkspaceAlert(command: .made(at: time), workspace: workspace, kind: .noActiveAdmin, user: user, occurredAt: time)),
      .changeHeld(
        ChangeHeld(
          workspace: workspace, change: .made(at: time), kind: .membersRemoved, resource: user.resource, name: "Data team", leaving: 60,
          members: 100, heldAt: time)),
      .invitationOrdered(
        InvitationOrdered(id: .made(at: time), workspace: workspace, order: .resend(user), actor: "operator:eve", orderedAt: time)),
      .invitationOrdered(
        InvitationOrdered(
          id: .made(at: time), workspace: workspace,
          order: .setTemplate(InvitationTemplate(language: "de", subject: "Los", text: "{{url}}")), actor: "operator:eve", orderedAt: time)),
    ]

  @Test("Every event round-trips", arguments: events)
  func roundTrip(event: IdentityEvent) throws {
    let sent = try event.cloudEvent(id: event.identity, source: "identity-store/0", time: Self.time, traceparent: nil)
    let received = try CloudEvent(headers: sent.headers, data: sent.data)
    #expect(try IdentityEvent(received) == event)
    #expect(received.subject == event.resource.description)
    #expect(received.extensions["workspaceid"] == Self.workspace.description)
  }

  @Test("Extension attributes are ordered by name, and the last of several with the same name counts", arguments: [3, 500])
  func extensions(count: Int) throws {
    var event = CloudEvent(id: "1", source: "s", type: "t", subject: "u", time: Self.time, extensions: ["b": "1", "a": "2"], data: [])
    #expect(event.extensions.pairs.map(\.name) == ["a", "b"])
    event.extensions["b"] = nil
    event.extensions["b"] = "3"
    event.extensions["c"] = nil
    var headers = event.headers
    for number in 0..<count { headers += [("ce_n\(number)", "0"), ("ce_n\(number)", "\(number)")] }
    let received = try CloudEvent(headers: headers.reversed() + [("ce_a", "4"), ("other", "5")], data: [])
    #expect(received.extensions["a"] == "4" && received.extensions["b"] == "3" && received.extensions["other"] == nil)
    #expect((0..<count).allSatisfy { received.extensions["n\($0)"] == "0" })
    #expect(received.extensions.pairs.count == count + 2)
    #expect(received.extensions.pairs.map(\.name) == received.extensions.pairs.map(\.name).sorted())
  }

  @Test("The event of a deleted user has the id and no personal data")
  func deletion() throws {
    let event = IdentityEvent.userChanged(
      UserChanged(
        workspace: Self.workspace, user: UserSnapshot(id: Self.user, state: .disabled), change: .deleted, version: 4, changedAt: Self.time))
    let json = try #require(JSONSerialization.jsonObject(with: Data(event.data())) as? [String: Any])
    let snapshot = try #require(json["user"] as? [String: Any])
    #expect(Set(snapshot.keys) == ["id", "state"])
  }

  @Test("An event of an unknown type, or with data that does not match, is rejected")
  func malformed() throws {
    var event = try #require(Self.events.first).cloudEvent(id: "1", source: "s", time: Self.time, traceparent: nil)
    event.type = "rollcall.user.changed.v2"
    #expect(throws: MessageError.newerVersion("rollcall.user.changed.v2", known: 1)) { try IdentityEvent(event) }
    event.type = "rollcall.group.changed.v1"
    #expect(throws: MessageError.self) { try IdentityEvent(event) }
  }

  @Test("A sign-in round-trips, keyed by the email in lower case, or else by the user", arguments: ["Ana@Example.com", nil])
  func signIn(email: String?) throws {
    let signIn = SignIn(workspace: Self.workspace, email: email, user: Self.user, signedInAt: Self.time, method: "saml")
    let sent = try signIn.cloudEvent(id: "1", source: "product", time: Self.time, traceparent: nil)
    #expect(try SignIn(CloudEvent(headers: sent.headers, data: sent.data)) == signIn)
    #expect(sent.subject == email?.lowercased() ?? Self.user.description)
  }

  @Test("A sign-in with an address that is too long is rejected, and the error names the bound")
  func oversizedSignIn() throws {
    let address = String(repeating: "a", count: 1020) + "@example.com"
    let event = try SignIn(workspace: Self.workspace, email: address, user: nil, signedInAt: Self.time)
      .cloudEvent(id: "1", source: "product", time: Self.time, traceparent: nil)
    let error = #expect(throws: MessageError.self) { try SignIn(event) }
    #expect("\(try #require(error))".contains("1024"))
  }

  @Test("A sign-in without email and user is rejected")
  func signInOfNobody() throws {
    let anonymous = SignIn(workspace: Self.workspace, email: nil, user: nil, signedInAt: Self.time)
    var event = try anonymous.cloudEvent(id: "1", source: "product", time: Self.time, traceparent: nil)
    #expect(throws: MessageError.self) { try SignIn(event) }
    event.type = "other"
    #expect(throws: MessageError.unknownType("other")) { try SignIn(event) }
  }

  @Test("A state of an invitation round-trips", arguments: InvitationState.allCases)
  func invitation(state: InvitationState) throws {
    let event = InvitationEvent(
      workspace: Self.workspace, invitation: .made(at: Self.time), user: Self.user, state: state, reason: "250 OK", changedAt: Self.time)
    let message = CloudEvent(
      id: "1", source: "invitation-mailer", type: event.type, subject: event.invitation.description, time: Self.time,
      data: try JSONData.encode(event))
    #expect(try InvitationEvent(message) == event)
    var other = message
    other.type = "rollcall.invitation.lost.v1"
    #expect(throws: MessageError.self) { try InvitationEvent(other) }
  }

  @Test("A report of a mail names the invitation or the address")
  func report() throws {
    let report = MailEvent(workspace: Self.workspace, invitation: nil, email: "Ana@example.com", event: .bounced, occurredAt: Self.time)
    let message = try report.cloudEvent(id: "1", source: "scim-api/0", time: Self.time, traceparent: nil)
    #expect(message.subject == "ana@example.com")
    #expect(try MailEvent(message) == report)
    let anonymous = MailEvent(workspace: Self.workspace, invitation: nil, email: nil, event: .bounced, occurredAt: Self.time)
    #expect(throws: MessageError.self) { try MailEvent(anonymous.cloudEvent(id: "1", source: "s", time: Self.time, traceparent: nil)) }
  }

  @Test(
    "Branding is validated",
    arguments: [
      (
        InvitationBranding(colour: "#2f5fe0", logoURL: "https://acme.example/logo.png", replyTo: "it@acme.example", inviter: "Acme IT"),
        true
      ),
      (InvitationBranding(colour: "blue"), false), (InvitationBranding(colour: "#12345g"), false),
      (InvitationBranding(logoURL: "http://acme.example/logo.png"), false), (InvitationBranding(logoURL: "https://a/\"onerror="), false),
      (InvitationBranding(replyTo: "it@acme.example\r\nBcc: eve@example.com"), false), (InvitationBranding(support: "help"), false),
      (InvitationBranding(inviter: "Acme\nIT"), false),
    ])
  func branding(branding: InvitationBranding, isValid: Bool) {
    #expect((branding.fault == nil) == isValid)
  }
}
