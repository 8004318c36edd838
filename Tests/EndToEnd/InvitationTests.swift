import Credentials
import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Invitations")
  struct Invitations {
    @Test("An invitation is listed, sent again, bounces, and is accepted by a sign-in")
    func lifecycle() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let email = "ana@\(workspace.slug).example"
      _ = try await workspace.identityProvider.create(email)
      try await eventually("the invitation") { try await deployment.mails(to: email).count == 1 }
      func states() async throws -> [String] {
        try await workspace.scimctl(["invitation", "list"]).split(separator: "\n").filter { $0.hasPrefix(email) }.map { line in
          line.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first.map(String.init) ?? ""
        }
      }
      try await eventually("the invitation to be recorded as sent") { try await states() == ["sent"] }

      // With a template and a colour of the workspace, the operator sends it again.
      try await workspace.scimctl(["invitation", "branding", "--colour", "#0a7d4f", "--support", "help@\(workspace.slug).example"])
      try await workspace.scimctl(["invitation", "template", "set", "--subject", "Join {{workspace}} now"])
      #expect(try await workspace.scimctl(["invitation", "template", "preview"]).contains("help@\(workspace.slug).example"))
      try await eventually("the template") { try await workspace.scimctl(["invitation", "template", "show"]).contains("subject") }
      try await workspace.scimctl(["invitation", "resend", email])
      try await eventually("the other invitation") { try await deployment.mails(to: email).count == 2 }
      let mail = try #require(try await deployment.mails(to: email).last)
      #expect(mail["Subject"]?.hasSuffix("now") == true)
      #expect(mail.html?.contains("#0a7d4f") == true)
      try await eventually("both to be recorded") { try await Set(states()) == ["sent", "revoked"] }

      // It bounces, and the user can still sign in.
      let printed = try await workspace.scimctl(["token", "issue", "--name", "mail system", "--scope", "admin"])
      let token = try #require(printed.split(whereSeparator: \.isWhitespace).map(String.init).first { AccessToken($0) != nil })
      let mailSystem = IdentityProvider(baseURL: deployment.scimURL.replacingOccurrences(of: "/scim", with: ""), token: token)
      let messageID = try #require(mail["Message-ID"])
      let report = #"{"event":"bounced","messageId":"\#(messageID)","reason":"mailbox full"}"#
      #expect(try await mailSystem.send("POST", "/mail-events", body: report).status == 202)
      let otherToken = IdentityProvider(baseURL: mailSystem.baseURL, token: workspace.identityProvider.token)
      #expect(try await otherToken.send("POST", "/mail-events", body: report).status == 403)
      try await eventually("the bounce") { try await Set(states()) == ["bounced", "revoked"] }
      try await workspace.scimctl(["sign-in", email])
      try await eventually("the acceptance") { try await Set(states()) == ["accepted", "revoked"] }
      let shown = try await workspace.scimctl(["invitation", "show", email])
      for text in ["mailbox full", "the person signed in", "sent another one", "250 2.0.0 OK: kept"] { #expect(shown.contains(text)) }
      await #expect(throws: CommandRun.Failure.self) { try await workspace.scimctl(["invitation", "resend", email]) }
    }

    @Test("A rebuild invites users whose events were lost, once, unless the operator excludes them")
    func missed() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let email = "ana@\(workspace.slug).example"
      let id = try await workspace.identityProvider.create(email)
      try await eventually("the invitation") { try await workspace.scimctl(["invitation", "list", "--state", "sent"]).contains(email) }
      // As if the mailer had never received the user's event.
      for table in ["invitations", "users"] { try await deployment.modifyDatabase("delete from mailer.\(table) where user_id = '\(id)'") }
      #expect(try await workspace.scimctl(["invitation", "list", "--missing"]).contains(email))
      try await workspace.scimctl(["rebuild", "--invitations", "none"])
      let other = "ben@\(workspace.slug).example"
      _ = try await workspace.identityProvider.create(other)
      try await eventually("a later mail") { try await deployment.mails(to: other).count == 1 }
      #expect(try await workspace.scimctl(["invitation", "list", "--missing"]).contains(email))
      try await workspace.scimctl(["rebuild"])
      try await eventually("another invitation") { try await deployment.mails(to: email).count == 2 }
      try await workspace.scimctl(["rebuild", "--invitations", "all"])
      try await eventually("no invitation to be missing") { try await workspace.scimctl(["invitation", "list", "--missing"]).isEmpty }
      try await workspace.scimctl(["invitation", "resend", other])
      try await eventually("a mail after the rebuild") { try await deployment.mails(to: other).count == 2 }
      #expect(try await deployment.mails(to: email).count == 2)
    }

    @Test("doctor reports a template that the mailer lost, and an export restores it")
    func lostTemplate() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      try await workspace.scimctl(["invitation", "template", "set", "--language", "de-CH", "--subject", "Los mit {{workspace}}"])
      @Sendable func templates() async throws -> String { try await workspace.scimctl(["invitation", "template", "show"]) }
      try await eventually("the template") { try await templates().contains("de-ch") }
      let copy = FileManager.default.temporaryDirectory.appendingPathComponent("templates-\(UUID().uuidString).json")
      defer { try? FileManager.default.removeItem(at: copy) }
      try Data(try await workspace.scimctl(["invitation", "template", "export"]).utf8).write(to: copy)
      try await deployment.modifyDatabase("delete from mailer.templates where language = 'de-ch'")
      let finding = "lacks the template for 'de-ch' of workspace \(workspace.slug)"
      @Sendable func findings() async throws -> String {
        do { return try await deployment.scimctl(["doctor"]) } catch let failure as CommandRun.Failure { return failure.output }
      }
      try await eventually("doctor to report it", within: .seconds(60)) { try await findings().contains(finding) }
      try await workspace.scimctl(["invitation", "template", "import", copy.path])
      try await eventually("the template again") { try await templates().contains("de-ch") }
      #expect(try await !findings().contains(finding))
    }

    @Test("A disabled user is not promoted by a sign-in, and is invited again when enabled")
    func disabled() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let email = "ben@\(workspace.slug).example"
      let id = try await workspace.identityProvider.create(email)
      try await eventually("the invitation") { try await deployment.mails(to: email).count == 1 }
      let deactivation = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}
        """
      _ = try await workspace.identityProvider.send("PATCH", "/Users/\(id)", body: deactivation)
      let rejection = try await #require(throws: CommandRun.Failure.self) { try await workspace.scimctl(["sign-in", email]) }
      #expect(rejection.status == 65 && rejection.output.contains("disabled"))
      // When a later sign-in of another user has taken effect, this one has been processed.
      let other = "cid@\(workspace.slug).example"
      _ = try await workspace.identityProvider.create(other)
      try await eventually("the other user's activation") {
        try await workspace.scimctl(["sign-in", other])
        return try await workspace.scimctl(["user", "list", "--state", "active"]).contains(other)
      }
      #expect(try await workspace.scimctl(["user", "list", "--state", "disabled"]).contains(email))
      try await eventually("the revocation") { try await workspace.scimctl(["invitation", "list", "--state", "revoked"]).contains(email) }
      _ = try await workspace.identityProvider.send(
        "PATCH", "/Users/\(id)", body: deactivation.replacingOccurrences(of: "false", with: "true"))
      try await eventually("another invitation") { try await deployment.mails(to: email).count == 2 }
    }
  }
}
