import Foundation
import Models
import Testing

@Suite("Commands")
struct CommandTests {
  private static let workspace = WorkspaceID.made(at: Date(timeIntervalSince1970: 1))
  private static let resource = ResourceID.made(at: Date(timeIntervalSince1970: 2))
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.125)

  private static let operations: [Command.Operation] = [
    .createUser(document: Array(#"{"userName":"Zoë"}"#.utf8)), .replaceUser(document: Array("{}".utf8)),
    .patchUser(patch: Array("{}".utf8)),
    .deleteUser, .eraseUser, .deleteWorkspace(WorkspaceDeletion(slug: "acme", dueAt: time)), .restoreWorkspace,
    .createGroup(document: Array("{}".utf8)), .replaceGroup(document: Array("{}".utf8)),
    .patchGroup(patch: Array("{}".utf8)), .deleteGroup,
    .promoteUser(SignIn(workspace: workspace, email: "Ana@example.com", user: resource.user, signedInAt: time, method: "saml")),
    .createWorkspace(settings), .updateWorkspace(settings),
    .orderInvitation(.setTemplate(InvitationTemplate(language: "*", html: "<a href=\"{{url}}\">"))),
    .issueToken(
      TokenGrant(
        token: .made(at: time), name: "Okta", scopes: [.scim, .signIns], digest: String(repeating: "a", count: 64), expiresAt: time)),
    .issueToken(
      TokenGrant(
        token: .made(at: time), kind: .client, name: "Entra", scopes: [.scim, .directory], digest: String(repeating: "b", count: 64),
        expiresAt: nil)),
    .revokeToken(TokenRevocation(token: .made(at: time))),
    .decideHeldChange(HeldChangeDecision(change: .made(at: time), verdict: .approve)),
    .restate(
      Restatement(
        workspace: true, users: [resource.user],
        groups: [Restatement.GroupPart(group: resource.group, range: MemberRange(after: resource.user, through: nil))])),
    .rebuild(Rebuild(consumer: "group-sync", reason: "messages 3 to 7 of partition 1", invitations: .none)),
    .rotateToken(
      TokenRotation(
        token: .made(at: time), successor: .made(at: time), digest: String(repeating: "c", count: 64), retiresAt: time, expiresAt: nil)),
    .issueToken(
      TokenGrant(
        token: .made(at: time), kind: .session, name: "Ana", scopes: [.admin], digest: String(repeating: "e", count: 64), expiresAt: time,
        openedWith: .made(at: time))),
    .rotateSecret(
      SecretRotation(
        client: .made(at: time), replacing: String(repeating: "f", count: 64), digest: String(repeating: "d", count: 64), formerUntil: nil)),
    .rotateSecret(SecretRotation(client: .made(at: time), digest: String(repeating: "d", count: 64), formerUntil: time)),
    .recordTokenUses(
      TokenUses(uses: [.init(token: .made(at: time), address: "2001:db8::1", count: 7, lastUsedAt: time)])),
    .reportMail(MailEvent(workspace: workspace, invitation: nil, email: "ana@example.com", event: .bounced, occurredAt: time)),
    .changeMailDomain(MailDomainChange(domain: "acme.example", action: .add, token: "abcdefghijklmnop")),
    .changeMailDomain(MailDomainChange(domain: "acme.example", action: .assert)),
    .stageAccounts(AccountStaging(importID: .made(at: time), lines: accountLines)),
    .startAccountImport(AccountImportStart(importID: .made(at: time), lines: 2)),
    .applyAccounts(AccountChunk(importID: .made(at: time), lines: accountLines, users: [resource.user])),
    .stageWorkspace(WorkspaceImportPart(importID: .made(at: time), number: 1, firstLine: 2, lines: [#"{"type":"workspace","data":{}}"#])),
    .startWorkspaceImport(WorkspaceImportStart(importID: .made(at: time), parts: 1, lines: 3)),
    .applyWorkspace(WorkspaceImportPart(importID: .made(at: time), number: 1, firstLine: 2, lines: [#"{"name":"Zoë"}"#])),
    .linkAccount(AccountLink(account: "4711/Ä")), .unlinkAccount(AccountUnlink()),
    .writeWebhook(.enable(.made(at: time))), .deleteWebhook(.made(at: time)), .disableWebhook(.made(at: time), reason: "410 Gone"),
    .orderWebhook(.test(.made(at: time))),
    .bulk(
      Bulk(
        failOnErrors: 2,
        operations: [
          Bulk.Operation(
            command: .made(at: time), resource: resource, expectedVersions: [1], references: [resource], cycle: 4,
            action: .write(.createUser(document: Array(#"{"userName":"Zoë \"\\ \u001f","n":1.50}"#.utf8)))),
          Bulk.Operation(command: .made(at: time), resource: resource, action: .write(.deleteGroup)),
          Bulk.Operation(
            command: .made(at: time), resource: resource, action: .refused(status: 400, error: Array(#"{"status":"400"}"#.utf8))),
        ])),
  ]

  private static let accountLines = [
    AccountStaging.Line(number: 1, account: ImportedAccount(id: "1", email: "ana@acme.example", externalID: "x", state: .disabled)),
    AccountStaging.Line(number: 3, account: ImportedAccount(id: "2", email: "", state: .deleted)),
  ]

  private static let settings = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: false, signInURL: "https://acme.example/sign-in",
    customRoles: ["Analyst"], defaultRole: "editor", roleAttribute: "role", connectionProfile: .entra,
    extensions: [
      SchemaExtension(
        id: "urn:example:acme:User", name: "Acme", resourceType: .group,
        attributes: [.init(name: "desk", type: .complex, multiValued: true, subAttributes: [.init(name: "floor", type: .integer)])])
    ], customDomains: ["scim.acme.example"], invitations: InvitationPolicy(sending: .digest(address: "it@acme.example")))

  private static func command(_ operation: Command.Operation) -> Command {
    Command(
      id: .made(at: time), workspace: workspace, resource: resource, actor: .console("Ana"), session: .made(at: time), issuedAt: time,
      deadline: time.addingTimeInterval(10), expectedVersions: [3, 4], settingsVersion: 7, requestDigest: "0badcafe",
      replyTo: ReplyAddress(partition: 3, correlationID: "c-1"),
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", operation: operation)
  }

  @Test("Every command round-trips", arguments: operations)
  func roundTrip(operation: Command.Operation) throws {
    let command = Self.command(operation)
    let event = try command.cloudEvent(source: "scim-api/0")
    // Uses headers and bytes, as a Kafka message does.
    #expect(try Command(CloudEvent(headers: event.headers, data: event.data)) == command)
    #expect(event.subject == Self.resource.description)
    #expect(event.type.hasPrefix("rollcall.command."))
  }

  @Test("A command without a waiting request round-trips without deadline and reply address")
  func withoutReply() throws {
    var command = Self.command(.deleteUser)
    (command.session, command.deadline, command.expectedVersions, command.replyTo, command.traceparent) = (nil, nil, nil, nil, nil)
    (command.settingsVersion, command.requestDigest) = (nil, nil)
    let event = try command.cloudEvent(source: "scimctl/0")
    #expect(try Command(CloudEvent(headers: event.headers, data: event.data)) == command)
  }

  @Test("An empty list of expected versions round-trips, and differs from a missing one")
  func noExpectedVersion() throws {
    var command = Self.command(.deleteUser)
    command.expectedVersions = []
    let event = try command.cloudEvent(source: "scim-api/0")
    #expect(try Command(CloudEvent(headers: event.headers, data: event.data)).expectedVersions == [])
  }

  @Test("Every command has its own type")
  func types() {
    #expect(Set(Self.operations.map(\.type)).count == Self.operations.count - 4)
  }

  @Test("The types on the topic do not change")
  func names() {
    let names = [
      "create-user", "replace-user", "patch-user", "delete-user", "promote-user", "create-group", "replace-group", "patch-group",
      "delete-group", "bulk", "create-workspace", "update-workspace", "order-invitation", "issue-token", "revoke-token",
      "decide-held-change", "restate", "rebuild", "rotate-token", "rotate-secret", "record-token-uses", "report-mail",
      "write-webhook", "delete-webhook", "disable-webhook", "order-webhook", "start-account-import", "stage-accounts", "apply-accounts",
      "link-account", "unlink-account", "change-mail-domain", "delete-workspace", "restore-workspace", "erase-user",
      "stage-workspace", "start-workspace-import", "apply-workspace",
    ]
    #expect(Set(Self.operations.map(\.type)) == Set(names.map { "rollcall.command.\($0).v1" }))
  }

  @Test(
    "A message with a missing or malformed header is rejected, and the error names it",
    arguments: [
      ("ce_id", nil, MessageError.missing(attribute: "id")), ("ce_id", "1", .malformed(attribute: "id", value: "1")),
      ("ce_specversion", "0.3", .malformed(attribute: "specversion", value: "0.3")), ("ce_type", "other", .unknownType("other")),
      ("ce_time", "yesterday", .malformed(attribute: "time", value: "yesterday")),
      ("ce_subject", "ana", .malformed(attribute: "subject", value: "ana")), ("ce_actor", nil, .missing(attribute: "actor")),
      ("ce_workspaceid", nil, .missing(attribute: "workspaceid")),
      ("ce_expectedversions", "3,x", .malformed(attribute: "expectedversions", value: "3,x")),
      ("ce_settingsversion", "x", .malformed(attribute: "settingsversion", value: "x")),
      ("ce_sessionid", "ana", .malformed(attribute: "sessionid", value: "ana")),
      ("ce_deadline", "soon", .malformed(attribute: "deadline", value: "soon")),
      ("ce_replypartition", "-1", .malformed(attribute: "replypartition", value: "-1")),
      ("ce_correlationid", nil, .missing(attribute: "correlationid")),
    ] as [(String, String?, MessageError)])
  func malformed(header: String, value: String?, expected: MessageError) throws {
    let event = try Self.command(.deleteUser).cloudEvent(source: "scim-api/0")
    let headers = event.headers.filter { $0.name != header } + (value.map { [(header, $0)] } ?? [])
    let error = #expect(throws: MessageError.self) { try Command(CloudEvent(headers: headers, data: event.data)) }
    #expect(error == expected)
  }

  @Test(
    "Data that does not match the type is rejected, and the error names the key",
    arguments: [("", ""), ("{", ""), ("[]", ""), (#"{"slug":"acme"}"#, "'name' is missing"), (#"{"slug":1}"#, "slug")])
  func undecodable(data: String, named: String) throws {
    var event = try Self.command(.createWorkspace(Self.settings)).cloudEvent(source: "scimctl/0")
    event.data = Array(data.utf8)
    let error = try #require(#expect(throws: MessageError.self) { try Command(event) })
    guard case .undecodable(let type, let reason) = error else { throw error }
    #expect(type == "rollcall.command.create-workspace.v1")
    #expect(reason.contains(named) || named.isEmpty)
  }

  @Test("Every order to the mailer round-trips")
  func orders() throws {
    let user = Self.resource.user
    for order in [InvitationOrder.resend(user), .revoke(user), .resetTemplate(language: "de")] {
      let command = Command(
        id: .made(at: Self.time), workspace: Self.workspace, resource: Self.resource, actor: .service("test"), issuedAt: Self.time,
        operation: .orderInvitation(order))
      #expect(try Command(command.cloudEvent(source: "test")) == command)
    }
  }
}
