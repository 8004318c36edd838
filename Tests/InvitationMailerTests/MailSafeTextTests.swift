import Foundation
import MailTemplates
import Models
import Testing

@testable import InvitationMailer

@Suite("Names in mails")
struct MailNameTests {
  /// Names that mail programs would turn into links.
  static let links = [
    "http://evil.example", "https://evil.example/path?x=1", "evil.example", "www.evil.example", "Ana evil.example now",
    "evil\u{3002}example",
    "mailto:ana@evil.example", "ana@evil.example", "EVIL.EXAMPLE",
  ]

  /// Whether a mail program would recognise a link: a scheme, or a host name with a dot inside a word.
  private func isLink(_ text: some StringProtocol) -> Bool {
    text.contains("://") || text.contains("mailto:a") || text.lowercased().contains("evil.example") || text.contains("evil\u{3002}example")
  }

  @Test(arguments: links)
  func `are never links`(name: String) throws {
    #expect(!isLink(name.mailSafeName), "\(name.mailSafeName)")
    #expect(name.mailSafeName.unicodeScalars.filter { $0 != "\u{2060}" }.elementsEqual(name.unicodeScalars))
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"])
  func `are never links in a mail of any kind and language`(language: String) throws {
    let composer = try InvitationComposer(from: .rollcall, appURL: "https://acme.example.com")
    var workspace = WorkspaceNotice(
      name: "https://evil.example", slug: "acme", signInURL: "https://acme.example.com/sign-in",
      branding: InvitationBranding(inviter: "www.evil.example"))
    workspace.adminLanguage = language
    for reminder in [0, 1] {
      let notice = InvitationNotice(
        id: InvitationID("0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f")!, reminder: reminder, email: "ana@example.com",
        givenName: "http://evil.example", displayName: "evil.example", language: language, workspace: workspace)
      try check(composer.message(for: notice, at: .sample))
    }
    let digest = DigestNotice(
      id: InvitationID("0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f")!, address: "it@acme.example", workspace: workspace,
      people: [.init(email: "ben@example.com", displayName: "http://evil.example"), .init(email: "evil.example/x", displayName: nil)])
    try check(composer.message(for: digest, at: .sample))
    let kinds: [HeldChangeKind] = [.membersRemoved, .userDisabled, .userDeleted]
    let changes = kinds.enumerated().map { index, kind in
      HeldChanges.Change(
        id: HeldChangeID(bytes: [UInt8(index)]), kind: kind, name: "http://evil.example", leaving: 3, members: 9, heldAt: .sample)
    }
    let held = HeldChangesNotice(
      id: UUID(), address: "it@acme.example", workspace: workspace, changes: HeldChanges(changes: changes, groups: 1, people: 2),
      maximumDeactivations: 5)
    try check(composer.message(for: held, at: .sample))
  }

  private func check(_ message: EmailMessage) throws {
    for line in message.headers.map(\.line) + [message.text, message.html] {
      #expect(!isLink(line.replacing("https://acme.example", with: "").replacing("http://www.w3.org", with: "")), "\(line.prefix(2000))")
    }
    #expect(message.text.contains("https://acme.example"))
  }

  @Test func `are truncated between characters, and inside a character that is too long`() {
    let family = "👨‍👩‍👧‍👦"
    #expect(String(repeating: family, count: 10).truncated(to: 3) == String(repeating: family, count: 3) + "…")
    #expect("Ana".mailSafeName == "Ana")
    let long = String(repeating: "Ana ", count: 100_000).mailSafeName
    #expect(long.count == 65 && long.hasSuffix("…"))
    let zalgo = "a" + String(repeating: "\u{301}", count: 1_000_000)
    #expect(zalgo.mailSafeName.utf8.count <= 520)
    #expect("J. R. R. Tolkien".mailSafeName == "J. R. R. Tolkien")
  }

  @Test func `do not make a mail large, however long they are`() throws {
    let name = String(repeating: "Wolfeschlegelsteinhausenbergerdorff ", count: 100_000)
    let message = try InvitationComposer(from: .rollcall).message(
      for: .sample(givenName: name, displayName: name, workspace: name), at: .sample)
    #expect(message.text.utf8.count < 10_000)
    #expect(message.html.utf8.count < 50_000)
    #expect(message.headers.allSatisfy { $0.line.utf8.count < 2000 })
  }
}
