import Foundation
import MailTemplates
import Models
import Testing

@Suite("Languages of invitations")
struct LanguageTests {
  private func message(_ language: String?, reminder: Int = 0, branding: InvitationBranding = InvitationBranding()) throws -> EmailMessage {
    try InvitationComposer(from: .rollcall).message(
      for: .sample(reminder: reminder, language: language, branding: branding), at: .sample)
  }

  private func header(_ name: String, of message: EmailMessage) -> String? {
    message.headers.map(\.line).first { $0.hasPrefix("\(name): ") }?.dropFirst(name.count + 2).description
  }

  @Test(arguments: [
    (nil, "en"), ("", "en"), ("en-GB", "en"), ("de", "de"), ("de-CH", "de"), ("de_AT", "de"), ("DE", "de"), ("fr-CA", "fr"),
    ("es-419", "es"), ("ja-JP", "ja"), ("ja-Jpan-JP-u-ca-japanese", "ja"), ("tlh", "en"), ("pt-BR, fr;q=0.8, en;q=0.5", "fr"),
    ("en;q=0.2, de;q=0.9", "de"), ("*", "en"), ("xx, ;q=, de;q=0, ja", "ja"),
  ])
  func `are selected by the user's preference, with English as the default`(preference: String?, language: String) throws {
    #expect(header("Content-Language", of: try message(preference)) == language)
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"], [0, 1])
  func `have complete mails`(language: String, number: Int) throws {
    let message = try message(language, reminder: number, branding: InvitationBranding(support: "help@acme.example"))
    for form in [message.text, message.html] {
      #expect(form.contains("Acme Data"))
      #expect(form.contains("Ana"))
      #expect(form.contains("ana@example.com"))
      #expect(form.contains("help@acme.example"))
      #expect(form.contains("https://acme.example.com/sign-in"))
      #expect(!form.contains("{{"))
    }
    #expect(message.html.contains(#"lang="\#(language)""#))
    let other = try self.message(language, reminder: 1 - number)
    #expect(header("Subject", of: message) != header("Subject", of: other))
    #expect(message.text != other.text)
  }

  @Test func `are English, French, German, Japanese and Spanish`() throws {
    #expect(try InvitationComposer(from: .rollcall).languages == ["de", "en", "es", "fr", "ja"])
  }

  @Test func `A reminder is another mail, in reply to the invitation`() throws {
    let reminder = try message(nil, reminder: 2)
    #expect(header("Message-ID", of: reminder) == "<0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f.2@rollcall.example>")
    #expect(header("In-Reply-To", of: reminder) == "<0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f@rollcall.example>")
    #expect(header("Auto-Submitted", of: reminder) == "auto-generated")
    #expect(header("List-Unsubscribe", of: reminder) == nil)
  }
}

@Suite("Mails to administrators")
struct AdministratorMailTests {
  private func header(_ name: String, of message: EmailMessage) -> String? {
    message.headers.map(\.line).first { $0.hasPrefix("\(name): ") }?.dropFirst(name.count + 2).description
  }

  private func workspace(_ language: String?, customDomain: String? = nil) -> WorkspaceNotice {
    WorkspaceNotice(
      name: "Acme Data", slug: "acme", signInURL: "https://app.example.com/sign-in?sso=1", customDomain: customDomain,
      adminLanguage: language)
  }

  private func digest(_ language: String?) throws -> EmailMessage {
    let people = (0..<201).map { DigestNotice.Person(email: "p\($0)@example.com", displayName: "Person \($0)") }
    return try InvitationComposer(from: .rollcall).message(
      for: DigestNotice(
        id: InvitationID(bytes: [7]), address: "it@acme.example", workspace: workspace(language), people: people), at: .sample)
  }

  private static let kinds: [HeldChangeKind] = [.membersRemoved, .groupDeleted, .userDisabled, .userDeleted]
  private static let otherKinds: [HeldChangeKind] = [.userEnabled, .roleChanged, .otherDomain, .addressChanged, .accountMatched]

  private func held(
    _ language: String?, customDomain: String? = nil, appURL: String? = "https://rollcall.example", kinds: [HeldChangeKind] = kinds,
    beyond: Int = 3
  ) throws -> EmailMessage {
    let changes = kinds.enumerated().map { index, kind in
      HeldChanges.Change(
        id: HeldChangeID(bytes: [UInt8(index)]), kind: kind, name: "<\(kind.rawValue)>", leaving: 61, members: 97, heldAt: .sample)
    }
    let groups = kinds.count(where: \.isOfGroup)
    let people = kinds.count(where: \.disablesUser)
    let others = kinds.count - groups - people
    return try InvitationComposer(from: .rollcall, appURL: appURL).message(
      for: HeldChangesNotice(
        id: UUID(uuid: InvitationID(bytes: [9]).uuid.uuid), address: "it@acme.example",
        workspace: workspace(language, customDomain: customDomain),
        changes: HeldChanges(
          changes: changes, groups: groups + beyond, people: people + (beyond == 0 ? 0 : beyond + 1),
          others: others + (others == 0 ? 0 : beyond)),
        maximumDeactivations: 23), at: .sample)
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"])
  func `about new people are complete, in the language of the workspace`(language: String) throws {
    let message = try digest(language)
    #expect(header("Content-Language", of: message) == language)
    for form in [message.text, message.html] {
      for part in ["Acme Data", "Person 199 (p199@example.com)", "it@acme.example", "https://app.example.com/sign-in?sso=1"] {
        #expect(form.contains(part), "\(part)")
      }
      #expect(!form.contains("{{"))
      #expect(!form.contains("p200@example.com"))
    }
    let english = try digest(nil)
    #expect(header("Content-Language", of: english) == "en")
    #expect((message.text == english.text) == (language == "en"))
    #expect((header("Subject", of: message) == header("Subject", of: english)) == (language == "en"))
    // Every line differs between languages, except names.
    let lines = Set(english.text.split(separator: "\n")).intersection(message.text.split(separator: "\n"))
    if language != "en" { #expect(lines.allSatisfy { $0.hasPrefix("- Person") || $0.hasPrefix("https:") || $0 == "-- " }, "\(lines)") }
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"])
  func `about held changes list them and how to decide, in the language of the workspace`(language: String) throws {
    let message = try held(language)
    #expect(header("Content-Language", of: message) == language)
    for part in [
      "Acme Data", "<members-removed>", "<group-deleted>", "61", "97", "<user-disabled>", "<user-deleted>", "23", "it@acme.example", "(5)",
      "(6)",
      "https://rollcall.example/console/provisioning/held\n", "scimctl held list --workspace acme\n",
      "scimctl held approve --workspace acme ID\n", "scimctl held reject --workspace acme ID\n",
    ] {
      #expect(message.text.contains(part), "\(part)")
      let escaped = part.replacing("\n", with: "").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      #expect(message.html.contains(escaped), "\(part)")
    }
    #expect(!message.text.contains("{{"))
    #expect(!message.html.contains("{{"))
    let english = try held(nil)
    let lines = Set(english.text.split(separator: "\n")).intersection(message.text.split(separator: "\n"))
    if language != "en" {
      #expect(lines.allSatisfy { $0.hasPrefix("  scimctl") || $0.hasPrefix("https:") || $0 == "-- " }, "\(lines)")
    }
    #expect(header("Message-ID", of: message) == "<held-09000000-0000-0000-0000-000000000000@rollcall.example>")
    #expect(header("Auto-Submitted", of: message) == "auto-generated")
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"])
  func `about held changes list those that take nobody's access in a section of their own`(language: String) throws {
    let message = try held(language, kinds: Self.otherKinds)
    for kind in Self.otherKinds {
      #expect(message.text.contains("<\(kind.rawValue)>"))
      #expect(message.html.contains("&lt;\(kind.rawValue)&gt;"))
    }
    #expect(message.text.contains("(8)"))
    #expect(!message.text.contains("{{") && !message.text.contains("23"))
    let english = try held(nil, kinds: Self.otherKinds)
    let lines = Set(english.text.split(separator: "\n")).intersection(message.text.split(separator: "\n"))
    if language != "en" {
      #expect(lines.allSatisfy { $0.hasPrefix("  scimctl") || $0.hasPrefix("https:") || $0 == "-- " }, "\(lines)")
    }
  }

  @Test func `about one held change contain its id in the commands, and no empty sections`() throws {
    let message = try held("de", kinds: [.membersRemoved], beyond: 0)
    #expect(message.text.contains("scimctl held approve --workspace acme 00000000-0000-0000-0000-000000000000"))
    #expect(message.text.contains("(1)"))
    #expect(!message.text.contains("23"))
    #expect(!message.text.contains("weitere"))
    let people = try held("de", kinds: [.userDisabled, .userDeleted], beyond: 0)
    #expect(!people.text.contains("Gruppen, die"))
    #expect(people.text.contains("(2)"))
  }

  @Test func `do not link to the console if its URL is unknown, and never to the host of the sign-in page`() throws {
    let message = try held(nil, appURL: nil)
    for form in [message.text, message.html] {
      #expect(form.contains("scimctl held list --workspace acme"))
      #expect(!form.contains("https://app.example.com"))
      #expect(!form.contains("/console/") && !form.contains("href=\"\"") && !form.contains("Review the changes"))
    }
  }

  @Test func `link to the console on the workspace's custom domain, else on the deployment's`() throws {
    #expect(
      try held(nil, customDomain: "data.acme.example", appURL: "https://rollcall.example").text.contains(
        "\nhttps://data.acme.example/console/provisioning/held\n"))
    #expect(
      try held(nil, appURL: "https://rollcall.example:8443/").text.contains("\nhttps://rollcall.example:8443/console/provisioning/held\n"))
  }
}

@Suite("Branding of mails")
struct BrandingTests {
  private func message(_ branding: InvitationBranding, customDomain: String? = nil) throws -> EmailMessage {
    try InvitationComposer(from: .rollcall).message(
      for: .sample(customDomain: customDomain, branding: branding), at: .sample)
  }

  @Test func `Colour, logo, inviter and reply address come from the workspace`() throws {
    let message = try message(
      InvitationBranding(
        colour: "#ffd400", logoURL: "https://acme.example/logo.png?a=1&b=2", replyTo: "it@acme.example", inviter: "Zoë from <IT>"))
    #expect(message.html.contains("background-color: #ffd400; color: #14161a"))
    #expect(message.html.contains(#"<img src="https://acme.example/logo.png?a=1&amp;b=2" alt="Acme Data""#))
    // Yellow text on white is not legible.
    #expect(message.html.contains(#"style="color: #2f5fe0; word-break"#))
    #expect(message.html.contains("Zoë from &lt;IT&gt; has invited you"))
    #expect(message.text.contains("Zoë from <IT> has invited you"))
    #expect(message.headers.map(\.line).contains("Reply-To: it@acme.example"))
    let plain = try self.message(InvitationBranding())
    #expect(!plain.html.contains("<img"))
    #expect(plain.html.contains("background-color: #2f5fe0; color: #ffffff"))
    #expect(plain.text.contains("Your administrator has invited you"))
  }

  @Test func `The link uses the workspace's custom domain`() throws {
    #expect(
      try message(InvitationBranding(), customDomain: "data.acme.example").text.contains(
        "https://data.acme.example/sign-in?sso=1&from=mail\n"))
  }

  @Test func `New people are listed in one mail to the administrator`() throws {
    let people = (0..<250).map { DigestNotice.Person(email: "p\($0)@example.com", displayName: $0 == 0 ? "Zoë <b>" : nil) }
    let notice = try InvitationNotice.sample().workspace
    let message = try InvitationComposer(from: .rollcall).message(
      for: DigestNotice(id: .derivedSample, address: "it@acme.example", workspace: notice, people: people), at: .sample)
    #expect(message.recipient.address == "it@acme.example")
    #expect(message.text.contains("- Zoë <b> (p0@example.com)"))
    #expect(message.html.contains("Zoë &lt;b&gt; (p0@example.com)"))
    #expect(message.text.contains("- p199@example.com"))
    #expect(!message.text.contains("p200@"))
    #expect(message.text.contains("More people"))
    #expect(message.text.contains("https://acme.example.com/sign-in"))
    #expect(!message.html.contains("{{"))
  }
}

@Suite("A workspace's own templates")
struct TemplateTests {
  private func faults(_ subject: String? = nil, text: String? = nil, html: String? = nil, language: String = "*") -> [String] {
    TemplateCheck.faults(in: InvitationTemplate(language: language, subject: subject, text: text, html: html))
  }

  @Test func `replace the built-in ones per language and part`() throws {
    let templates = [
      InvitationTemplate(language: "*", subject: "Join {{workspace}}", html: "<p>{{name}} <a href=\"{{url}}\">go</a></p>"),
      InvitationTemplate(
        language: "de", text: "{{#isReminder}}Noch einmal: {{/isReminder}}{{greeting}}\n{{#next}}* {{.}}\n{{/next}}{{url}}"),
    ]
    func message(_ language: String?, reminder: Int = 0) throws -> EmailMessage {
      try InvitationComposer(from: .rollcall).message(
        for: .sample(reminder: reminder, givenName: "<i>Ana</i>", language: language, templates: templates), at: .sample)
    }
    let german = try message("de-CH", reminder: 1)
    #expect(german.text.hasPrefix("Noch einmal: Guten Tag <i>Ana</i>,\n* "))
    #expect(german.html.contains("<p>&lt;i&gt;Ana&lt;/i&gt; <a href=\"https://acme.example.com/sign-in?sso=1&amp;from=mail\">go</a></p>"))
    #expect(german.headers.map(\.line).contains("Subject: Join Acme Data"))
    #expect(try message(nil).text.hasPrefix("Hello <i>Ana</i>,"))
    #expect(try !message("de").text.contains("Noch einmal"))
  }

  @Test func `are validated`() {
    #expect(faults("Join {{workspace}}", text: "{{greeting}} {{url}}", html: "<a href=\"{{url}}\">{{button}}</a>").isEmpty)
    #expect(faults("Los", language: "de-CH").isEmpty)
  }

  @Test(arguments: [
    ("{{url}} {{nome}}", "unknown variable 'nome'"), ("{{{url}}}", "unescaped"), ("{{& url}}", "unescaped"),
    ("{{> other}} {{url}}", "is not allowed"),
    ("{{=<% %>=}} {{url}}", "is not allowed"), ("{{#next}} {{url}}", "never closed"), ("{{url}} {{/next}}", "closes no section"),
    ("{{url", "never closed"), ("nothing", "no {{url}}"), ("{{url}} {{.}}", "only allowed within"),
    ("{{#isReminder}}{{url}}{{/isReminder}}", "does not show the link"), ("{{url}}" + String(repeating: "x", count: 70_000), "larger than"),
  ])
  func `are rejected if they use unsupported syntax or names`(text: String, mention: String) {
    #expect(faults(text: text).contains { $0.contains(mention) }, "\(faults(text: text))")
  }

  @Test func `are rejected if empty, without a language, or with an invalid subject`() {
    #expect(!faults().isEmpty)
    #expect(!faults("Los", language: "german language").isEmpty)
    #expect(!faults("one\ntwo").isEmpty)
    #expect(!faults(String(repeating: "x", count: 201)).isEmpty)
    #expect(!faults("{{#isReminder}}again{{/isReminder}}").isEmpty)
  }
}

extension InvitationID {
  fileprivate static let derivedSample = InvitationID("0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f")!
}
