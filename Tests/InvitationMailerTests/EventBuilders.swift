import Foundation
import Kafka
import Models

@testable import InvitationMailer

extension WorkspaceID {
  static let acme = WorkspaceID("01997b5d-0000-7000-8000-000000000001")!
}

extension UserID {
  static let ana = UserID("01997b5e-0000-7000-8000-00000000000a")!
  static let ben = UserID("01997b5e-0000-7000-8000-00000000000b")!
}

extension UserKey {
  static let ana = UserKey(workspace: .acme, id: .ana)
  static let ben = UserKey(workspace: .acme, id: .ben)
}

extension IdentityEvent {
  /// An event about a user, as identity-store publishes it.
  static func user(
    _ user: UserKey = .ana, _ change: UserChanged.Change, _ state: UserState, version: Int64, email: String? = "ana@example.com",
    givenName: String? = "Ana", familyName: String? = "Lopez", displayName: String? = nil, language: String? = nil, at time: Date = .sample,
    invitation: UserChanged.RestatedInvitation? = nil
  ) -> IdentityEvent {
    let hasData = change != .deleted
    let snapshot = UserSnapshot(
      id: user.id, state: state, userName: hasData ? email : nil, displayName: hasData ? displayName : nil,
      givenName: hasData ? givenName : nil, familyName: hasData ? familyName : nil, email: hasData ? email : nil,
      language: hasData ? language : nil)
    return .userChanged(
      UserChanged(workspace: user.workspace, user: snapshot, change: change, version: version, changedAt: time, invitation: invitation))
  }

  /// An event about a change that waits for approval, as identity-store publishes it.
  static func held(
    _ kind: HeldChangeKind = .membersRemoved, _ name: String = "Data team", id: HeldChangeID = .made(at: .sample),
    resource: ResourceID = .made(at: .sample), leaving: Int = 60, members: Int? = 100
  ) -> IdentityEvent {
    .changeHeld(
      ChangeHeld(
        workspace: .acme, change: id, kind: kind, resource: resource, name: name, leaving: leaving, members: members, heldAt: .sample))
  }

  /// An event about a webhook endpoint that group-sync disabled, as identity-store publishes it.
  static func webhook(
    of workspace: WorkspaceID = .acme, _ change: WebhookChanged.Change = .disabled, version: Int64 = 3,
    by actor: Command.Actor = .service("group-sync")
  ) -> IdentityEvent {
    .webhookChanged(
      WebhookChanged(
        endpoint: WebhookEndpoint(
          id: WebhookID(bytes: [7]), workspace: workspace, url: "https://app.acme.example/hooks/rollcall?token=s3cr3t",
          description: "The <product>", sealedSecret: [1], state: change == .disabled ? .disabled : .enabled,
          disabledReason: "500 Internal Server Error, since 3 days", disabledAt: .sample, createdAt: .sample, version: version),
        change: change, actor: actor.rawValue, changedAt: .sample))
  }

  static func workspace(
    _ workspace: WorkspaceID = .acme, name: String = "Acme Data", url: String = "https://acme.example.com/sign-in", version: Int64 = 1,
    policy: InvitationPolicy = InvitationPolicy(), notifying address: String? = nil, adminLanguage: String? = nil,
    deletion: ScheduledDeletion? = nil
  ) -> IdentityEvent {
    let settings = WorkspaceSettings(
      slug: "acme", name: name, plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: url, invitations: policy,
      changeGuard: address.map { ChangeGuard(maximumShrink: 0.5, maximumDeactivations: 20, notify: $0) }, adminLanguage: adminLanguage,
      deletion: deletion)
    return .workspaceChanged(WorkspaceChanged(workspace: workspace, settings: settings, version: version, changedAt: .sample))
  }

  /// An operator's order, as identity-store publishes it.
  static func ordered(_ order: InvitationOrder, id: CommandID = .made(at: .sample)) -> IdentityEvent {
    .invitationOrdered(InvitationOrdered(id: id, workspace: .acme, order: order, actor: "operator:eve", orderedAt: .sample))
  }

  /// The event as the mailer reads it from the topic.
  func received(traceparent: String? = nil) throws -> ReceivedChange {
    ReceivedChange(event: self, traceparent: traceparent, message: try message(traceparent: traceparent))
  }

  func message(traceparent: String? = nil) throws -> Message {
    let event = try cloudEvent(id: identity, source: "identity-store/0", time: .sample, traceparent: traceparent)
    return Message(event, topic: .identityEvents)
  }
}

extension SignIn {
  static func sample(email: String? = "Ana@Example.com", user: UserID? = nil) -> SignIn {
    SignIn(workspace: .acme, email: email, user: user, signedInAt: .sample, method: "saml")
  }

  func event(id: String = "sign-in-1", source: String = "product/auth", traceparent: String? = nil) throws -> CloudEvent {
    try cloudEvent(id: id, source: source, time: .sample, traceparent: traceparent)
  }
}

extension Message {
  init(_ event: CloudEvent, topic: Topic) {
    self.init(
      topic: topic.name, partition: 0, offset: 0, timestamp: event.time, key: Array(event.subject.utf8), headers: event.headers,
      value: event.data)
  }
}

extension IdentityEvent {
  /// An alert about a workspace, as identity-store publishes it.
  static func alert(
    _ kind: WorkspaceAlert.Kind, command: CommandID = .made(at: .sample), used: Int = 90, of limit: Int = 100
  ) -> IdentityEvent {
    .workspaceAlert(
      WorkspaceAlert(
        command: command, workspace: .acme, kind: kind,
        seats: kind == .noActiveAdmin ? nil : WorkspaceAlert.Seats(used: used, limit: limit),
        user: kind == .noActiveAdmin ? .ana : nil, occurredAt: .sample))
  }
}
