import Foundation
import Models
import Testing

@testable import MailTemplates

@Suite("A compiled invitation")
struct CompiledInvitationTests {
  private static let names: [String?] = [
    "Ana", nil, "", "  ", "<b>\"Zoë\" & 'Söhne'</b>", "山田 太郎", "\u{5D3}\u{5B8}\u{5E0}\u{5B4}\u{5D9}\u{5D0}\u{5B5}\u{5DC} \u{202E}x",
    "محمد علي", "\u{301}Ana\u{600}", "{{email}}{{{url}}}", "evil.example", "Ana\r\nBcc: eve@example.com",
    String(repeating: "Ana ", count: 40), String(repeating: "x", count: 63) + " y", "🍎👨‍👩‍👧‍👦",
  ]
  private static let addresses = ["ana@example.com", "o'neil+a&b@example.com", "josé@bücher.example", "a/b@example.com"]
  private static let languages = [nil, "de-CH", "fr;q=0.2, ja", "tlh"]

  static let templates: [[InvitationTemplate]] = [
    [],
    [InvitationTemplate(language: "*", subject: "Join {{workspace}}", html: "<p>{{name}} <a href=\"{{url}}\">go</a></p>")],
    [
      InvitationTemplate(language: "*", subject: "{{name}}  {{email}} {{subject}} {{name}}", text: "{{subject}}{{name}}{{name}} {{url}}"),
      InvitationTemplate(
        language: "de",
        text: "{{#isReminder}}Noch einmal: {{/isReminder}}{{#name}}[{{name}}]{{/name}}{{^name}}-{{/name}}\u{600}{{name}}\u{301}{{url}}",
        html: "{{#next}}{{.}}{{name}}{{/next}}{{#support}}{{support}}{{/support}}{{automatic}}{{url}}\r\n"),
    ],
  ]

  @Test(arguments: templates, [0, 1])
  func `is byte for byte what its templates render, for every recipient`(templates: [InvitationTemplate], reminder: Int) throws {
    let composer = try InvitationComposer(from: .rollcall)
    let branding = InvitationBranding(
      colour: "#ffd400", logoURL: "https://acme.example/logo.png?a=1&b=2", replyTo: "it@acme.example", support: "help@acme.example",
      inviter: "Zoë <IT>")
    for language in Self.languages {
      for name in Self.names {
        for address in Self.addresses {
          var notice = InvitationNotice(
            id: InvitationID(bytes: [7]), reminder: reminder, email: address, givenName: name, displayName: name, language: language,
            workspace: WorkspaceNotice(
              name: "Müller & Söhne 🍏", signInURL: "https://acme.example.com/sign-in?sso=1&from=mail", branding: branding,
              templates: try CustomTemplates(templates)))
          let rendered = try composer.message(for: notice, at: .sample)
          notice.workspace.version = .sample
          // The first of these mails is compiled for the first recipient only.
          let compiled = try composer.message(for: notice, at: .sample)
          #expect(compiled.headers.map { Array($0.line.utf8) } == rendered.headers.map { Array($0.line.utf8) })
          #expect(Array(compiled.text.utf8) == Array(rendered.text.utf8), "\(language ?? "") \(name ?? "")")
          #expect(Array(compiled.html.utf8) == Array(rendered.html.utf8), "\(language ?? "") \(name ?? "")")
        }
      }
    }
  }

  @Test(arguments: ["{{uppercased(name)}} {{url}}", "{{reversed(name)}} {{url}}", "{{capitalized(email)}} {{url}}"])
  func `is not used if the templates change personal values`(text: String) throws {
    let composer = try InvitationComposer(from: .rollcall)
    for name in ["eva", "ben"] {
      var notice = InvitationNotice(
        id: InvitationID(bytes: [7]), email: "\(name)@example.com", givenName: name,
        workspace: WorkspaceNotice(
          name: "Acme", signInURL: "https://acme.example.com/",
          templates: try CustomTemplates([InvitationTemplate(language: "*", text: text)])))
      let rendered = try composer.message(for: notice, at: .sample)
      notice.workspace.version = .sample
      #expect(try composer.message(for: notice, at: .sample).text == rendered.text)
      #expect(!rendered.text.contains(name))
    }
  }

  @Test func `is compiled once per version, language, kind and presence of a name`() throws {
    let cache = CompiledInvitationCache()
    let layout = try layout()
    var compilations = 0
    func find(_ key: CompiledInvitationCache.Key) {
      let found = cache.invitation(for: key) {
        compilations += 1
        return CompiledInvitation(layout, checkedWith: InvitedPerson(name: "Ana", email: "ana@example.com"))
      }
      #expect(found != nil)
    }
    let keys = [
      CompiledInvitationCache.Key(version: .sample, language: nil, isReminder: false, hasName: true),
      .init(version: .sample, language: "de", isReminder: false, hasName: true),
      .init(version: .sample, language: nil, isReminder: true, hasName: true),
      .init(version: .sample, language: nil, isReminder: false, hasName: false),
      .init(version: .init(of: .sample, settings: 2, templates: 1), language: nil, isReminder: false, hasName: true),
      .init(version: .init(of: .sample, settings: 1, templates: 2), language: nil, isReminder: false, hasName: true),
    ]
    for key in keys + keys { find(key) }
    #expect(compilations == keys.count)
  }

  @Test func `is evicted when the cache is full, and compiled again`() throws {
    let cache = CompiledInvitationCache()
    let layout = try layout()
    let languages = (0..<3000).map { "x-\($0)-" + String(repeating: "x", count: 4000) }
    var compilations = 0
    func find(_ language: String) {
      _ = cache.invitation(for: .init(version: .sample, language: language, isReminder: false, hasName: true)) {
        compilations += 1
        return CompiledInvitation(layout, checkedWith: InvitedPerson(name: "Ana", email: "ana@example.com"))
      }
    }
    for language in languages { find(language) }
    find(languages[0])
    #expect(compilations == languages.count + 1)
    find(languages[0])
    #expect(compilations == languages.count + 1)
  }

  private func layout() throws -> InvitationLayout {
    let workspace = WorkspaceNotice(name: "Acme", signInURL: "https://acme.example.com/")
    return InvitationLayout(
      wording: try Wordings.builtIn().wording(for: nil), workspace: workspace, url: try #require(SignInLink(workspace.signInURL)),
      isReminder: false, subject: nil, text: try .init(text: "{{greeting}} {{url}}"), html: try .init(html: "{{greeting}} {{url}}"))
  }
}

extension WorkspaceNotice.Version {
  fileprivate static let sample = Self(of: .sample, settings: 1, templates: 1)
}

extension WorkspaceID {
  fileprivate static let sample = WorkspaceID(bytes: [5])
}
