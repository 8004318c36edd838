import Credentials
import Foundation
import Models
import TestSupport
import Testing

@testable import ScimctlCommands

extension EndToEnd {
  @Suite("scimctl through the management API")
  struct ServerCommands {
    /// The commands that need the database or Kafka themselves, or neither these nor a server.
    static let withoutServer: Set<String> = [
      "migrate", "settings", "dead-letters list", "dead-letters show", "dead-letters replay", "dead-letters drop", "recover",
    ]

    /// The commands that do not work with the database.
    static let onlyThroughServer: Set<String> = [
      "workspace mail-domain list", "workspace mail-domain show", "workspace mail-domain add", "workspace mail-domain verify",
      "workspace mail-domain remove", "workspace health", "workspace delete", "workspace restore", "workspace deletions", "user export",
      "user erase", "workspace export", "workspace import",
    ]

    /// The commands for workspaces, their settings and credentials, which ``settings()`` runs.
    static let settingsCommands: Set<String> = [
      "workspace create", "workspace list", "workspace show", "workspace update", "workspace health", "workspace delete",
      "workspace restore", "workspace deletions", "workspace export", "workspace import", "workspace domain add",
      "workspace domain list", "workspace domain remove", "workspace mail-domain add", "workspace mail-domain list",
      "workspace mail-domain show", "workspace mail-domain verify", "workspace mail-domain remove", "workspace role add",
      "workspace role list", "workspace role remove", "workspace extension set", "workspace extension list", "workspace extension remove",
      "workspace guard set", "workspace guard show", "workspace guard remove", "token issue", "token list", "token show", "token rotate",
      "token revoke", "oauth-client create", "oauth-client list", "oauth-client show", "oauth-client rotate-secret",
      "oauth-client revoke", "console link", "console sessions", "console sign-out", "invitation template set",
      "invitation template show", "invitation template preview", "invitation template export", "invitation template import",
      "invitation template reset", "invitation branding", "rebuild", "doctor", "top", "login",
      "profile list", "profile use", "profile remove",
    ]

    @Test("Every command of scimctl is run through a server, or cannot be")
    func completeness() {
      let all = Set(ServerCommandRunner.allCommands())
      #expect(all.subtracting(Self.withoutServer) == Self.settingsCommands.union(Self.dataCommands))
      #expect(Self.withoutServer.isSubset(of: all))
    }

    @Test("Workspaces, settings, credentials and rebuilds work while database and Kafka are out of reach")
    func settings() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let slug = workspace.slug
      let user = try await workspace.identityProvider.create("person@\(slug).example")
      let scimctl = try await ServerCommandRunner(deployment, workspace: slug)
      defer { scimctl.removeFiles() }

      try await workspaces(slug, scimctl)
      try await credentials(of: workspace, scimctl)
      try await wording(slug, scimctl)
      try await scimctl("rebuild", printing: "Workspace \(slug): published again")
      try await scimctl("rebuild", ["--user", user], printing: "users 1")
      #expect(try await scimctl("doctor").contains("ok    identity-store"))
      let findings = try await scimctl.objects("doctor")
      #expect(findings.count >= 3 && findings.allSatisfy { $0["status"] as? String == "ok" }, "\(findings)")
      try await eventually("the requests of the last minute") {
        #expect(try await workspace.identityProvider.send("DELETE", "/Users/\(UUID().uuidString.lowercased())").status == 404)
        let activity = try #require(try await scimctl.objects("top", ["--once", "--limit", "200"]).first)
        let busiest = try #require(activity["workspaces"] as? [[String: Any]])
        return activity["waitingEvents"] is Int && busiest.contains { $0["slug"] as? String == slug }
      }
      try await profiles(scimctl)
      #expect(scimctl.run == Self.settingsCommands)
    }

    private func workspaces(_ slug: String, _ scimctl: ServerCommandRunner) async throws {
      let (other, url) = ("\(slug)-http", "https://\(slug).example/sign-in")
      let creation = [other, "--name", "HTTP", "--sign-in-url", url, "--plan", "enterprise", "--saml-sso", "--invitation-expiry", "never"]
      try await scimctl("workspace create", creation, printing: "Workspace \(other) created")
      try await scimctl("workspace create", creation, printing: "exists already", status: 73)
      try await scimctl("workspace create", creation + ["--if-missing"], printing: "exists already")
      let listed = try await scimctl.objects("workspace list")
      let row = try #require(listed.first { $0["slug"] as? String == other })
      #expect((row["scim"] as? [String: Any])?["missing"] as? String == "scimEnabled", "\(row)")
      try await scimctl("workspace list", printing: "SLUG")
      let changes = [
        "--scim", "--seats", "5", "--invitations", "digest", "--digest-address", "it@\(slug).example", "--reminder-days", "none",
      ]
      try await scimctl("workspace update", [other] + changes, printing: "Workspace \(other) updated")
      let shown = try await scimctl("workspace show", [other])
      for expected in ["5, policy reject", "digest to it@\(slug).example", "never"] { #expect(shown.contains(expected), "\(shown)") }
      #expect(try await scimctl.objects("workspace show", [other]).first?["scimEnabled"] as? Bool == true)
      try await scimctl("workspace show", ["no-such-workspace"], printing: "does not exist", status: 66)
      try await scimctl("workspace health", [other], printing: "open")
      try await scimctl("workspace delete", [other, "--confirm", other], printing: "suspended; deleted at")
      try await scimctl("workspace show", [other], printing: "suspended")
      try await scimctl("workspace restore", [other], printing: "restored")
      #expect(try await !scimctl("workspace show", [other]).contains("suspended"))
      try await scimctl("workspace deletions")
      let exported = try scimctl.file("workspace.ndjson", try await scimctl("workspace export", [other]))
      try await scimctl("workspace import", [exported, "--new-id", "--dry-run"], printing: other)
      try await scimctl("workspace import", [exported], printing: "exists in this deployment", status: 73)
      try await scimctl("workspace import", [exported, "--new-id", "--slug", "\(slug)-copy"], printing: "done")
      try await scimctl("workspace show", ["\(slug)-copy"], printing: "5, policy reject")

      try await scimctl("workspace domain add", [slug, "http.\(slug).example"])
      #expect(try await scimctl("workspace domain list", [slug]) == "http.\(slug).example\n")
      try await scimctl("workspace domain remove", [slug, "http.\(slug).example"])
      try await scimctl("workspace role add", [slug, "Auditor"])
      #expect(
        try await scimctl.objects("workspace role list", [slug]).contains { $0["name"] as? String == "viewer" && $0["users"] as? Int == 1 })
      try await scimctl("workspace role remove", [slug, "Auditor"])
      let schema = try scimctl.file(
        "schema.json", #"{"id":"urn:example:http:2.0:User","name":"H","resourceType":"User","attributes":[{"name":"badge"}]}"#)
      try await scimctl("workspace extension set", [slug, schema])
      try await scimctl("workspace extension list", [slug], printing: "badge")
      try await scimctl("workspace extension remove", [slug, "urn:example:http:2.0:User"])
      try await scimctl("workspace guard set", [slug, "--deactivations", "5", "--notify", "it@\(slug).example"])
      try await scimctl("workspace guard show", [slug], printing: "more than 5 disabled")
      try await scimctl("workspace guard remove", [slug])
      #expect(try await scimctl("workspace guard show", [slug, "--json"]) == "null\n")

      let domain = "mail.\(slug).example"
      try await scimctl("workspace mail-domain add", [slug, domain], printing: "record-value")
      try await scimctl("workspace mail-domain show", [slug, domain], printing: "pending")
      try await scimctl("workspace mail-domain list", [slug], printing: "DOMAIN")
      // The name does not exist in DNS, or cannot be looked up on this machine.
      try await scimctl("workspace mail-domain verify", [slug, domain], printing: "Nothing was changed", status: 75)
      try await scimctl("workspace mail-domain remove", [slug, domain])
      try await scimctl("workspace mail-domain add", [slug, domain, "--asserted"], printing: "verified")
    }

    private func credentials(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
      func secret(_ output: String) -> String { output.trimmingCharacters(in: .whitespacesAndNewlines) }
      let issued = secret(
        try await scimctl("token issue", ["--name", "Okta", "--scope", "scim", "--expires-in", "90d"], printing: "created"))
      #expect(AccessToken(issued) != nil)
      let rows = try await scimctl.objects("token list")
      let id = try #require(rows.first { $0["name"] as? String == "Okta" }?["id"] as? String)
      try await scimctl("token show", [id], printing: "expires-at")
      try await scimctl("token show", ["\(TokenID.made(at: .now))"], printing: "scimctl token list", status: 66)
      let rotated = secret(try await scimctl("token rotate", [id, "--grace", "1h"], printing: "to replace"))
      #expect(AccessToken(rotated) != nil && rotated != issued)
      try await scimctl("token revoke", [id], printing: "revoked")
      #expect(try await scimctl.objects("token list", ["--deployment"]).contains { $0["name"] as? String == "scimctl" })

      try await scimctl("oauth-client create", ["--name", "Entra", "--scope", "scim"], printing: ClientSecret.prefix)
      let client = try #require(try await scimctl.objects("oauth-client list").first?["id"] as? String)
      try await scimctl("oauth-client show", [client], printing: "Entra")
      #expect(try await scimctl("oauth-client rotate-secret", [client, "--at-once"]).hasPrefix(ClientSecret.prefix))
      try await scimctl("oauth-client revoke", [client], printing: "revoked")

      let link = secret(try await scimctl("console link", ["--for", "Ana"], printing: "created a link for Ana"))
      #expect(link.contains("/console/link?key=\(LinkKey.prefix)"))
      _ = try await ConsoleAdmin.signedIn(to: workspace)
      let session = try #require(try await scimctl.objects("console sessions").first?["id"] as? String)
      try await scimctl("console sign-out", [session], printing: "ended")
      #expect(try await !scimctl("console sessions").contains(session))
      try await scimctl("console sign-out", [client], printing: "console session", status: 66)
    }

    private func wording(_ slug: String, _ scimctl: ServerCommandRunner) async throws {
      try await scimctl("invitation template set", ["--language", "de", "--subject", "Willkommen"], printing: slug)
      let templates = try scimctl.file("templates.json", #"[{"language":"fr","subject":"Bienvenue"}]"#)
      try await scimctl("invitation template import", [templates], printing: "wording for fr")
      // The mailer applies templates a moment later.
      try await eventually("both templates") { try await scimctl.objects("invitation template show").count >= 2 }
      try await scimctl("invitation template show", ["--language", "de"], printing: "Willkommen")
      try await scimctl("invitation template export", printing: "Bienvenue")
      try await scimctl("invitation template preview", ["--language", "fr"], printing: "Bienvenue")
      try await scimctl("invitation template reset", ["--language", "de"], printing: "built-in")
      try await scimctl("invitation branding", ["--colour", "#0a7d4f"], printing: "updated")
      #expect(try await scimctl.objects("invitation branding").first?["colour"] as? String == "#0a7d4f")
    }

    /// A profile serves commands that name no server, although the settings name a database only if they say so.
    private func profiles(_ scimctl: ServerCommandRunner) async throws {
      try await scimctl("login", ["--name", "e2e"], printing: "all workspaces")
      try await scimctl("profile list", printing: "e2e", withServer: false)
      try await scimctl("token list", ["--server-profile", "e2e"], withServer: false)
      try await scimctl("profile use", ["e2e"], printing: "current", withServer: false)
      try await scimctl("profile remove", ["e2e"], printing: "removed", withServer: false)
      try await scimctl("profile use", ["e2e"], printing: "scimctl login", status: 66, withServer: false)
    }
  }
}
