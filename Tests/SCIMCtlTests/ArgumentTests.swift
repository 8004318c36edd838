import ArgumentParser
import Credentials
import Foundation
import Models
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("Command-line arguments")
struct ArgumentTests {
  private func parse<Command: ParsableCommand>(_: Command.Type = Command.self, _ line: String...) throws -> Command {
    try #require(try Scimctl.parseAsRoot(line) as? Command)
  }

  @Test("workspace create accepts all settings")
  func workspace() throws {
    let command = try parse(
      CreateWorkspace.self, "workspace", "create", "acme", "--name", "Acme", "--plan", "enterprise", "--saml-sso", "--scim",
      "--sign-in-url", "https://app.example.com/sign-in", "--role", "Data Steward", "--role", "auditor", "--default-role", "editor",
      "--role-attribute", "acmeRole", "--profile", "okta", "--if-missing")
    #expect(
      try command.settings
        == WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://app.example.com/sign-in",
          customRoles: ["Data Steward", "auditor"], defaultRole: "editor", roleAttribute: "acmeRole", connectionProfile: .okta))
    #expect(command.ifMissing)
  }

  @Test("workspace create has defaults for settings that are not given")
  func defaults() throws {
    let command = try parse(CreateWorkspace.self, "workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "https://a.example/")
    #expect(
      try command.settings
        == WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .free, samlSSO: false, scimEnabled: false, signInURL: "https://a.example/"))
    #expect(!command.ifMissing)
  }

  @Test("token issue sends only the digest of the token")
  func token() throws {
    let command = try parse(
      IssueToken.self, "token", "issue", "--workspace", "acme", "--name", "Okta", "--scope", "scim", "--scope", "sign-ins", "--expires-in",
      "90d")
    #expect(command.workspace.slug == "acme")
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let token = AccessToken.made(for: .made(at: now))
    let grant = command.grant.wanted(at: now).grant(.token, secret: token.text, at: now)
    #expect(grant.name == "Okta")
    #expect(grant.kind == .token)
    #expect(grant.scopes == [.scim, .signIns])
    #expect(grant.expiresAt == now + 90 * 86_400)
    #expect(grant.digest.count == 64)
    #expect(grant.digest.allSatisfy { "0123456789abcdef".contains($0) })
    let sent = try JSONData.encode(grant)
    #expect(!String(decoding: sent, as: UTF8.self).contains(token.text))
  }

  @Test("Token commands accept the deployment in place of a workspace")
  func deploymentTokens() throws {
    let command = try parse(
      IssueToken.self, "token", "issue", "--deployment", "--direct", "--name", "Product", "--scope", "admin", "--scope", "events")
    #expect(command.deployment.isGiven)
    let token = AccessToken.made(for: .deployment)
    #expect(command.grant.wanted(at: .now).scopes == [.admin, .events] && AccessToken(token.text)?.workspace == .deployment)
    guard case .deployment = command.deployment.owner(or: command.workspace) else {
      Issue.record("the token belongs to a workspace")
      return
    }
    let id = "01997b5e-8c20-7c03-8e50-2c7403f8db13"
    #expect(try parse(ListTokens.self, "token", "list", "--deployment").deployment.isGiven)
    for verb in ["show", "rotate", "revoke"] {
      #expect(throws: Never.self) { try Scimctl.parseAsRoot(["token", verb, "--deployment", id]) }
    }
    for arguments in [
      ["token", "issue", "--deployment", "--workspace", "acme", "--name", "x", "--scope", "admin"],
      ["token", "issue", "--deployment", "--name", "x", "--scope", "scim"], ["token", "list", "--deployment", "-w", "acme"],
      ["oauth-client", "list", "--deployment"],
    ] {
      #expect(throws: (any Error).self, "\(arguments)") { try Scimctl.parseAsRoot(arguments) }
    }
  }

  private static let acme = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://a.example/",
    customRoles: ["Auditor"], customDomains: ["scim.acme.example"], invitations: InvitationPolicy(sending: .delayed(seconds: 60)))

  /// Arguments of `workspace update`, and their effect on the settings.
  static let updates: [([String], @Sendable (inout WorkspaceSettings) -> Void)] = [
    (["--slug", "acme-2"], { $0.slug = "acme-2" }), (["--name", "Acme Inc"], { $0.name = "Acme Inc" }),
    (["--plan", "team"], { $0.plan = .team }),
    (["--no-saml-sso"], { $0.samlSSO = false }), (["--no-scim"], { $0.scimEnabled = false }), (["--saml-sso", "--scim"], { _ in }),
    (["--sign-in-url", "https://b.example/"], { $0.signInURL = "https://b.example/" }),
    (["--default-role", "AUDITOR"], { $0.defaultRole = "Auditor" }),
    (["--role-attribute", "acmeRole"], { $0.roleAttribute = "acmeRole" }), (["--profile", "entra"], { $0.connectionProfile = .entra }),
    (["--seats", "100"], { $0.seats = SeatLimit(limit: 100) }),
    (["--seats", "100", "--seats-policy", "hold"], { $0.seats = SeatLimit(limit: 100, policy: .hold) }),
    (["--seats", "none"], { _ in }),
    (["--other-domains", "hold"], { $0.otherDomains = .hold }), (["--account-linking", "ask"], { $0.accountLinking = .ask }),
    (["--relink", "never"], { $0.relink = .never }), (["--duplicate-group-names", "allow"], { $0.duplicateGroupNames = .allow }),
    (["--invitations", "immediately"], { $0.invitations.sending = .immediately }),
    (["--invitations", "none"], { $0.invitations.sending = .none }),
    (["--invitation-delay", "2h"], { $0.invitations.sending = .delayed(seconds: 7200) }),
    (
      ["--invitations", "digest", "--digest-address", "it@acme.example"],
      { $0.invitations.sending = .digest(address: "it@acme.example") }
    ),
    (["--reminder-days", "7,1"], { $0.invitations.reminderDays = [1, 7] }),
    (["--reminder-days", "none"], { $0.invitations.reminderDays = [] }),
    (["--invitation-expiry", "14"], { $0.invitations.expiryDays = 14 }),
    (["--invitation-expiry", "never"], { $0.invitations.expiryDays = nil }),
    (
      ["--name", "A", "--plan", "free"],
      {
        $0.name = "A"
        $0.plan = .free
      }
    ),
  ]

  @Test("workspace update changes only the settings that are given", arguments: updates.indices)
  func update(_ index: Int) throws {
    let (arguments, change) = Self.updates[index]
    let command = try #require(try Scimctl.parseAsRoot(["workspace", "update", "acme"] + arguments) as? UpdateWorkspace)
    var expected = Self.acme
    change(&expected)
    #expect(try command.applied(to: Self.acme) == expected)
  }

  @Test("Domains and roles are added to and removed from the settings")
  func domainsAndRoles() throws {
    let host = try parse(AddDomain.self, "workspace", "domain", "add", "acme", "SCIM2.acme.example.").host
    #expect(Self.acme.adding(host).customDomains == ["scim.acme.example", "scim2.acme.example"])
    #expect(Self.acme.adding(host).adding(host) == Self.acme.adding(host))
    #expect(Self.acme.adding(host).removing(host) == Self.acme)
    #expect(Self.acme.removing(host) == nil)
    #expect(try Self.acme.adding(role: "Steward").customRoles == ["Auditor", "Steward"])
    #expect(try Self.acme.adding(role: "Auditor") == Self.acme)
    #expect(try Self.acme.removing(role: "auditor").customRoles == [])
    for role in ["auditor", "Admin", "viewer"] { #expect(throws: ScimctlError.self) { try Self.acme.adding(role: role) } }
    for role in ["viewer", "Steward"] { #expect(throws: ScimctlError.self) { try Self.acme.removing(role: role) } }
    let table = ListRoles.table(of: ListRoles.roles(of: Self.acme, users: ["Auditor": 2, "viewer": 1]))
    #expect(table.heading == "USERS  KIND              NAME")
    #expect(
      table.lines == [
        "0      built-in          admin", "0      built-in          editor", "1      built-in,default  viewer",
        "2      own               Auditor",
      ])
    _ = try parse(RemoveDomain.self, "workspace", "domain", "remove", "acme", "scim.acme.example")
    _ = try parse(ListDomains.self, "workspace", "domain", "list", "acme")
    _ = try parse(RemoveRole.self, "workspace", "role", "remove", "acme", "Auditor")
  }

  @Test("Rotations contain the time until the old token or secret expires")
  func rotation() throws {
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let id = TokenID.made(at: now)
    let workspace = WorkspaceID.made(at: now)
    let token = AccessToken.made(for: workspace)
    let rotation = try parse(RotateToken.self, "token", "rotate", "\(id)", "--grace", "7d").rotation(at: now).command(to: token, at: now)
    #expect(rotation.token == id && rotation.retiresAt == now + 7 * 86_400 && rotation.expiresAt == nil && rotation.digest.count == 64)
    let open = try parse(RotateToken.self, "token", "rotate", "\(id)", "--expires-in", "90d").rotation(at: now)
    #expect(open == WantedRotation(token: id, retiresAt: nil, expiresAt: now + 90 * 86_400))
    let secret = try parse(RotateSecret.self, "oauth-client", "rotate-secret", "\(id)")
    #expect(secret.id == id && secret.formerUntil(at: now) == now + 86_400)
    let atOnce = try parse(RotateSecret.self, "oauth-client", "rotate-secret", "\(id)", "--at-once")
    #expect(atOnce.formerUntil(at: now) == nil)
  }

  @Test("user list accepts a state and a limit")
  func users() throws {
    #expect(try parse(ListUsers.self, "user", "list").state == nil)
    let command = try parse(ListUsers.self, "user", "list", "--state", "invited", "--limit", "100000")
    #expect(command.state == .invited)
    #expect(command.limit == 100_000)
  }

  @Test("workspace extension set accepts a schema with few fields, and rejects malformed ones")
  func schemaExtension() throws {
    let command = try parse(SetExtension.self, "workspace", "extension", "set", "acme", "schema.json")
    #expect((command.slug, command.file) == ("acme", "schema.json"))
    let schemaExtension = try SetExtension.parse(
      Array(
        #"""
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Schema"],"id":"urn:example:acme:User","attributes":[{"name":"badge","type":"integer"},
        {"name":"desks","type":"complex","multiValued":true,"subAttributes":[{"name":"value"}]}]}
        """#.utf8), from: "schema.json")
    #expect(schemaExtension.name == "User")
    #expect(schemaExtension.resourceType == .user)
    #expect(schemaExtension.attributes.map(\.name) == ["badge", "desks"])
    #expect(schemaExtension.attributes[1].subAttributes == [.init(name: "value")])
    for (text, mention) in [
      ("{", "schema.json"), (#"{"id":"urn:a:b"}"#, "attributes"), (#"{"id":"u","attributes":[{"name":"a","type":"text"}]}"#, "text"),
    ] {
      let failure = #expect(throws: ScimctlError.self) { try SetExtension.parse(Array(text.utf8), from: "schema.json") }
      #expect(failure?.status == .rejected)
      #expect(failure?.message.contains(mention) == true, "\(failure?.message ?? "")")
    }
  }

  @Test("A schema replaces the one with the same URN, and can be removed")
  func extensions() throws {
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .free, samlSSO: false, scimEnabled: false, signInURL: "https://a.example/")
    let first = settings.adding(SchemaExtension(id: "urn:example:acme:User", name: "A", attributes: [.init(name: "a")]))
    let changed = first.adding(SchemaExtension(id: "URN:example:acme:User", name: "A", attributes: [.init(name: "b")]))
    #expect(changed.extensions.map { $0.attributes.map(\.name) } == [["b"]])
    #expect(changed.removingExtension("urn:example:ACME:User") == settings)
    #expect(settings.removingExtension("urn:example:acme:User") == nil)
    _ = try parse(RemoveExtension.self, "workspace", "extension", "remove", "acme", "urn:example:acme:User")
    _ = try parse(ListExtensions.self, "workspace", "extension", "list", "acme")
  }

  @Test("Names and addresses are passed on unchanged")
  func names() throws {
    #expect(try parse(ListGroupMembers.self, "group", "members", "Data team").name == "Data team")
    #expect(try parse(SignInCommand.self, "sign-in", "Ana@example.com", "-w", "acme").email == "Ana@example.com")
    _ = try parse(MigrateCommand.self, "migrate")
    _ = try parse(RecoverCommand.self, "recover")
    _ = try parse(ShowWorkspace.self, "workspace", "show", "acme")
    _ = try parse(ListGroups.self, "group", "list")
  }

  /// Invalid arguments, and what the error message must contain.
  static let mistakes: [([String], String)] = [
    (["workspace", "create", "acme", "--sign-in-url", "https://a.example/"], "--name"),
    (["workspace", "create", "acme", "--name", "Acme"], "--sign-in-url"),
    (["workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "app.example.com"], "--sign-in-url"),
    (["workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "https://a.example/", "--plan", "gold"], "enterprise"),
    (["token", "issue", "--name", "Okta"], "--scope"),
    (["token", "issue", "--name", "Okta", "--scope", "everything"], "sign-ins"),
    (["token", "issue", "--name", "Okta", "--scope", "scim", "--expires-in", "soon"], "--expires-in"),
    (["token", "revoke", "1"], "token list"),
    (["token", "rotate", "1"], "token list"),
    (["oauth-client", "create", "--name", "Entra"], "--scope"),
    (["oauth-client", "rotate-secret", "01997b5d-0000-7000-8000-000000000002", "--at-once", "--grace", "1d"], "--at-once"),
    (["workspace", "update", "acme"], "--help"),
    (["workspace", "update", "acme", "--sign-in-url", "app.example.com"], "--sign-in-url"),
    (["workspace", "update", "acme", "--reminder-days", "soon"], "--reminder-days"),
    (["workspace", "update", "acme", "--invitation-expiry", "0"], "--invitation-expiry"),
    (["workspace", "domain", "add", "acme", "https://scim.example.com"], "scim.example.com"),
    (
      ["workspace", "create", "acme", "--name", "A", "--sign-in-url", "https://a.example/", "--invitations", "delayed"],
      "--invitation-delay"
    ),
    (["workspace", "create", "acme", "--name", "A", "--sign-in-url", "https://a.example/", "--invitations", "digest"], "--digest-address"),
    (["workspace", "create", "acme", "--name", "A", "--sign-in-url", "https://a.example/", "--invitation-delay", "1h"], "--invitations"),
    (["user", "list", "--state", "gone"], "invited"),
    (["user", "list", "--limit", "0"], "--limit"),
    (["sign-in", "ana"], "email"),
    (["group", "members"], "name"),
    (["conquer"], "conquer"),
  ]

  @Test("--version prints the version of the build")
  func version() {
    do {
      _ = try Scimctl.parseAsRoot(["--version"])
      Issue.record("'--version' was parsed as a command")
    } catch {
      #expect(Scimctl.exitCode(for: error).rawValue == 0)
      #expect(Scimctl.fullMessage(for: error) == "scimctl \(BuildVersion.description)")
    }
  }

  @Test("settings lists every setting that a command reads")
  func settings() throws {
    let listed = try SettingsList(executable: "scimctl", settings: Settings.all).json()
    for setting in Settings.all { #expect(listed.contains("\"\(setting.environmentName)\"")) }
    #expect(listed.components(separatedBy: "\"ROLLCALL_SCIM_URL\"").count == 2)
  }

  @Test("Invalid arguments are rejected with status 64 and a message that names them", arguments: mistakes)
  func refusal(_ arguments: [String], _ expected: String) {
    do {
      _ = try Scimctl.parseAsRoot(arguments)
      Issue.record("'\(arguments.joined(separator: " "))' was accepted")
    } catch {
      #expect(Scimctl.exitCode(for: error).rawValue == 64)
      #expect(Scimctl.fullMessage(for: error).contains(expected))
    }
  }

  @Test(
    "Durations are a number and a unit",
    arguments: [("30m", 1800.0), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600), ("1y", 31_536_000)])
  func lifetime(_ text: String, _ seconds: TimeInterval) {
    #expect(DurationArgument(argument: text)?.interval == seconds)
  }

  @Test("Other durations are rejected", arguments: ["", "d", "0d", "-1d", "1", "1.5h", "1x", "99999999999999999999d"])
  func noLifetime(_ text: String) {
    #expect(DurationArgument(argument: text) == nil)
  }

  @Test("workspace create accepts the rules for names, and an ambiguous group name is rejected with the ids")
  func sharedNames() throws {
    let command = try parse(
      CreateWorkspace.self, "workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "https://a.example/", "--relink", "never",
      "--duplicate-group-names", "allow")
    #expect(try command.settings.relink == .never && command.settings.duplicateGroupNames == .allow)
    let groups = [GroupID.made(at: .now), GroupID.made(at: .now)]
    try GroupMembers.checkOne([groups[0]], named: "Data team")
    let failure = #expect(throws: ScimctlError.self) { try GroupMembers.checkOne(Set(groups), named: "Data team") }
    for group in groups { #expect(failure.map { "\($0)".contains("\(group)") } == true) }
  }

  @Test("workspace guard set requires at least one limit")
  func changeGuard() throws {
    let command = try parse(
      SetGuard.self, "workspace", "guard", "set", "acme", "--shrink", "30", "--deactivations", "20", "--notify", "admin@example.com")
    #expect(
      command.changeGuard
        == ChangeGuard(maximumShrink: 0.3, minimumMembers: 10, maximumDeactivations: 20, notify: "admin@example.com"))
    #expect(throws: (any Error).self) {
      try parse(SetGuard.self, "workspace", "guard", "set", "acme", "--notify", "admin@example.com")
    }
    let lastAdmin = try parse(
      SetGuard.self, "workspace", "guard", "set", "acme", "--hold-last-admin", "--notify", "admin@example.com")
    #expect(lastAdmin.changeGuard == ChangeGuard(holdsLastAdmin: true, notify: "admin@example.com"))
    #expect(lastAdmin.changeGuard.description.contains("the last active admin"))
  }

  @Test("workspace update changes the seats, the policy or both, and a policy requires a limit")
  func seats() throws {
    func applied(_ arguments: String..., to settings: WorkspaceSettings) throws -> SeatLimit? {
      let command = try #require(try Scimctl.parseAsRoot(["workspace", "update", "acme"] + arguments) as? UpdateWorkspace)
      return try command.applied(to: settings).seats
    }
    var limited = Self.acme
    limited.seats = SeatLimit(limit: 10, policy: .hold)
    #expect(try applied("--seats", "20", to: limited) == SeatLimit(limit: 20, policy: .hold))
    #expect(try applied("--seats-policy", "reject", to: limited) == SeatLimit(limit: 10, policy: .reject))
    #expect(try applied("--seats", "none", to: limited) == nil)
    #expect(try applied("--name", "Acme", to: limited) == limited.seats)
    #expect(throws: ScimctlError.self) { try applied("--seats-policy", "hold", to: Self.acme) }
    #expect(throws: (any Error).self) { try applied("--seats", "0", to: limited) }
  }

  @Test("held approve and held reject require ids or --all")
  func held() throws {
    let id = HeldChangeID.made(at: Date())
    #expect(try parse(ApproveHeld.self, "held", "approve", "\(id)").decision.ids.map(\.lowest) == [id.uuid])
    #expect(try parse(RejectHeld.self, "held", "reject", "--all").decision.all)
    #expect(throws: (any Error).self) { try parse(ApproveHeld.self, "held", "approve") }
    #expect(throws: (any Error).self) { try parse(ApproveHeld.self, "held", "approve", "nonsense") }
  }

  @Test("group members lists visible members by default, or those with another status")
  func memberStatus() throws {
    #expect(try parse(ListGroupMembers.self, "group", "members", "Data team").state == .visible)
    #expect(try parse(ListGroupMembers.self, "group", "members", "Data team", "--state", "pending").state == .pending)
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["group", "members", "Data team", "--state", "gone"]) }
  }

  @Test("rebuild accepts users and groups")
  func rebuild() throws {
    let id = ResourceID.made(at: .now)
    let command = try parse(
      RebuildCommand.self, "rebuild", "--workspace", "acme", "--user", "\(id)", "--group", "\(id)", "--group", "\(id)")
    #expect(command.workspaces.slug == "acme")
    #expect(command.user == [id])
    #expect(command.group == [id, id])
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["rebuild", "--user", "ana"]) }
  }

  @Test("invitation branding changes only the properties that are given")
  func branding() throws {
    let command = try parse(
      InvitationBrandingCommand.self, "invitation", "branding", "--workspace", "acme", "--colour", "#0a7d4f", "--logo", "")
    #expect(
      command.applied(to: InvitationBranding(logoURL: "https://acme.example/logo.png", support: "help@acme.example"))
        == InvitationBranding(colour: "#0a7d4f", support: "help@acme.example"))
  }

  @Test("Exported templates can be imported; invalid ones are rejected")
  func templateFile() throws {
    let templates = [
      InvitationTemplate(language: "de", subject: "Los"),
      InvitationTemplate(language: "*", text: "{{url}} \"ok\"\n", html: "<p>{{url}}</p>"),
    ]
    #expect(try InvitationTemplateFile.templates(in: InvitationTemplateFile.text(of: templates), file: "copy") == templates)
    for bad in ["", "{}", #"[{"language":"de","text":"no link"}]"#] {
      #expect(throws: ScimctlError.self, "\(bad)") { try InvitationTemplateFile.templates(in: bad, file: "copy") }
    }
  }

  @Test("rebuild accepts the users to invite, and invitation list rejects --missing with --state")
  func missedInvitations() throws {
    #expect(try parse(RebuildCommand.self, "rebuild").invitations == .missing)
    #expect(try parse(RebuildCommand.self, "rebuild", "--invitations", "none").invitations == .none)
    #expect(throws: (any Error).self) { try parse(RebuildCommand.self, "rebuild", "--invitations", "some") }
    #expect(throws: (any Error).self) { try parse(ListInvitations.self, "invitation", "list", "--missing", "--state", "sent") }
  }

  @Test("workspace update sets and removes the language of administrators")
  func adminLanguage() throws {
    let german = try parse(UpdateWorkspace.self, "workspace", "update", "acme", "--admin-language", "de").applied(to: Self.acme)
    #expect(german.adminLanguage == "de")
    let english = try parse(UpdateWorkspace.self, "workspace", "update", "acme", "--admin-language", "none").applied(to: german)
    #expect(english == Self.acme)
  }

  @Test("An invalid template is rejected, and a valid one is rendered as a mail")
  func templates() throws {
    let good = try parse(SetTemplate.self, "invitation", "template", "set", "--language", "de", "--subject", "Los mit {{workspace}}")
    let template = try good.files.template()
    #expect(template == InvitationTemplate(language: "de", subject: "Los mit {{workspace}}"))
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/sign-in")
    let mail = try PreviewTemplate.preview([template], of: settings, language: "de", asHTML: false, reminder: false)
    #expect(mail.contains("Subject: Los mit Acme\n"))
    #expect(mail.contains("Guten Tag Ana,"))
    #expect(try PreviewTemplate.preview([], of: settings, language: "*", asHTML: true, reminder: true).contains("Reminder"))
    let bad = try parse(SetTemplate.self, "invitation", "template", "set", "--subject", "{{unknown}}")
    #expect(throws: ScimctlError.self) { try bad.files.template() }
  }

  @Test("invitation list accepts a state, and invitation resend a user")
  func invitations() throws {
    #expect(try parse(ListInvitations.self, "invitation", "list", "--state", "bounced").state == .bounced)
    #expect(try parse(ResendInvitation.self, "invitation", "resend", "ana@example.com").order.user.who == "ana@example.com")
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["invitation", "list", "--state", "lost"]) }
  }
}

@Suite("Console links")
struct ConsoleLinkTests {
  @Test("A link is valid for ten minutes, or for the given time")
  func lifetime() throws {
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let key = LinkKey.made(for: .made(at: now))
    let command = try #require(try Scimctl.parseAsRoot(["console", "link", "--for", "Ana"]) as? CreateConsoleLink)
    let grant = command.wanted(at: now, operator: "ben").grant(of: key, at: now)
    #expect(grant.kind == .link && grant.name == "Ana" && grant.scopes == [.admin] && grant.expiresAt == now + 600)
    #expect(!String(decoding: try JSONData.encode(grant), as: UTF8.self).contains(key.text))
    let longer = try #require(try Scimctl.parseAsRoot(["console", "link", "--expires-in", "1h"]) as? CreateConsoleLink)
    #expect(longer.wanted(at: now, operator: "ben") == WantedLink(person: "ben", expiresAt: now + 3600))
  }

  @Test(
    "The host is that of --url, the workspace's custom domain, or the deployment's host",
    arguments: [
      ("https://a.example/x", ["own.example"], ["https://b.example"], "https://a.example"),
      (nil, ["own.example"], ["https://b.example"], "https://own.example"), (nil, ["own.example"], [], "https://own.example"),
      (nil, ["own.example"], ["http://127.0.0.1:8080"], "http://own.example"),
      (nil, [], [nil, "https://b.example:8443/api/v2/scim/"], "https://b.example:8443"), (nil, [], ["http://[::1]:80/"], "http://[::1]:80"),
    ] as [(String?, [String], [String?], String)])
  func host(_ option: String?, _ domains: [String], _ configured: [String?], _ site: String) throws {
    #expect(try ConsoleHost(option: option, domains: domains, configured: configured).site == site)
  }

  @Test("Without a known host no link is created")
  func unknown() {
    #expect(throws: ScimctlError.self) { try ConsoleHost(option: nil, domains: [], configured: [nil]) }
    #expect(throws: ScimctlError.self) { try ConsoleHost(option: "app.example.com", domains: [], configured: []) }
  }
}
