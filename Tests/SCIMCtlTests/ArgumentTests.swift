import ArgumentParser
import Foundation
import Models
import Testing

@testable import scimctl

@Suite("The command line")
struct ArgumentTests {
  private func parse<Command: ParsableCommand>(_: Command.Type = Command.self, _ line: String...) throws -> Command {
    try #require(try Scimctl.parseAsRoot(line) as? Command)
  }

  @Test("makes a workspace as it is described")
  func workspace() throws {
    let command = try parse(
      CreateWorkspace.self, "workspace", "create", "acme", "--name", "Acme", "--plan", "enterprise", "--saml-sso", "--scim",
      "--sign-in-url", "https://app.example.com/sign-in", "--role", "Data Steward", "--role", "auditor", "--default-role", "editor",
      "--role-attribute", "acmeRole", "--profile", "okta", "--if-missing")
    #expect(
      command.settings
        == WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://app.example.com/sign-in",
          customRoles: ["Data Steward", "auditor"], defaultRole: "editor", roleAttribute: "acmeRole", connectionProfile: .okta))
    #expect(command.ifMissing)
  }

  @Test("leaves out what was not asked for")
  func defaults() throws {
    let command = try parse(CreateWorkspace.self, "workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "https://a.example/")
    #expect(
      command.settings
        == WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .free, samlSSO: false, scimEnabled: false, signInURL: "https://a.example/"))
    #expect(!command.ifMissing)
  }

  @Test("issues a token of which only the digest travels")
  func token() throws {
    let command = try parse(
      IssueToken.self, "token", "issue", "--workspace", "acme", "--name", "Okta", "--scope", "scim", "--scope", "sign-ins", "--expires-in",
      "90d")
    #expect(command.workspace.slug == "acme")
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let token = AccessToken.made(for: .made(at: now))
    let grant = command.grant(of: token, at: now)
    #expect(grant.name == "Okta")
    #expect(grant.scopes == [.scim, .signIns])
    #expect(grant.expiresAt == now + 90 * 86_400)
    #expect(grant.digest.count == 64)
    #expect(grant.digest.allSatisfy { "0123456789abcdef".contains($0) })
    let sent = try JSONData.encode(grant)
    #expect(!String(decoding: sent, as: UTF8.self).contains(token.text))
  }

  @Test("lists people, all or of one state")
  func users() throws {
    #expect(try parse(ListUsers.self, "user", "list").state == nil)
    let command = try parse(ListUsers.self, "user", "list", "--state", "invited", "--limit", "100000")
    #expect(command.state == .invited)
    #expect(command.limit == 100_000)
  }

  @Test("reads a schema of a workspace's own, in which little has to be said")
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
      let failure = #expect(throws: Failure.self) { try SetExtension.parse(Array(text.utf8), from: "schema.json") }
      #expect(failure?.status == .refused)
      #expect(failure?.message.contains(mention) == true, "\(failure?.message ?? "")")
    }
  }

  @Test("puts a schema in the place of the one with its URN, and takes it away")
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

  @Test("takes a group's name and an email as they are")
  func names() throws {
    #expect(try parse(ListGroupMembers.self, "group", "members", "Data team").name == "Data team")
    #expect(try parse(SignInCommand.self, "sign-in", "Ana@example.com", "-w", "acme").email == "Ana@example.com")
    _ = try parse(Migrate.self, "migrate")
    _ = try parse(ShowWorkspace.self, "workspace", "show", "acme")
    _ = try parse(ListGroups.self, "group", "list")
  }

  /// Arguments, and what the complaint has to speak of.
  static let mistakes: [([String], String)] = [
    (["workspace", "create", "acme", "--sign-in-url", "https://a.example/"], "--name"),
    (["workspace", "create", "acme", "--name", "Acme"], "--sign-in-url"),
    (["workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "app.example.com"], "--sign-in-url"),
    (["workspace", "create", "acme", "--name", "Acme", "--sign-in-url", "https://a.example/", "--plan", "gold"], "enterprise"),
    (["token", "issue", "--name", "Okta"], "--scope"),
    (["token", "issue", "--name", "Okta", "--scope", "everything"], "sign-ins"),
    (["token", "issue", "--name", "Okta", "--scope", "scim", "--expires-in", "soon"], "--expires-in"),
    (["token", "revoke", "1"], "token list"),
    (["user", "list", "--state", "gone"], "invited"),
    (["user", "list", "--limit", "0"], "--limit"),
    (["sign-in", "ana"], "email"),
    (["group", "members"], "name"),
    (["conquer"], "conquer"),
  ]

  @Test("refuses mistakes with status 64, naming them", arguments: mistakes)
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
    "reads how long a token is good",
    arguments: [("30m", 1800.0), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600), ("1y", 31_536_000)])
  func lifetime(_ text: String, _ seconds: TimeInterval) {
    #expect(Lifetime(argument: text)?.interval == seconds)
  }

  @Test("takes nothing else for a time", arguments: ["", "d", "0d", "-1d", "1", "1.5h", "1x", "99999999999999999999d"])
  func noLifetime(_ text: String) {
    #expect(Lifetime(argument: text) == nil)
  }

  @Test("brands invitations with what is given, and leaves the rest")
  func branding() throws {
    let command = try parse(
      InvitationBrandingCommand.self, "invitation", "branding", "--workspace", "acme", "--colour", "#0a7d4f", "--logo", "")
    #expect(
      command.applied(to: InvitationBranding(logoURL: "https://acme.example/logo.png", support: "help@acme.example"))
        == InvitationBranding(colour: "#0a7d4f", support: "help@acme.example"))
  }

  @Test("refuses a template that cannot be used, and shows the mail of one that can")
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
    let bad = try parse(SetTemplate.self, "invitation", "template", "set", "--subject", "{{nobody}}")
    #expect(throws: Failure.self) { try bad.files.template() }
  }

  @Test("names states of invitations and people")
  func invitations() throws {
    #expect(try parse(ListInvitations.self, "invitation", "list", "--state", "bounced").state == .bounced)
    #expect(try parse(ResendInvitation.self, "invitation", "resend", "ana@example.com").who == "ana@example.com")
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["invitation", "list", "--state", "lost"]) }
  }
}
