import Foundation
import Kafka
import Logging
import Models
import TestSupport
import Testing

@testable import ScimctlCommands

extension EndToEnd {
  @Suite("scimctl commands")
  struct OperatorCommands {
    /// The commands that change nothing, or do not belong to a workspace.
    private static let otherCommands: Set<String> = [
      "migrate", "doctor", "workspace show", "workspace list", "workspace domain list", "workspace role list", "workspace extension list",
      "workspace guard show", "token list", "token show", "oauth-client list", "oauth-client show", "user list", "group list",
      "group members", "invitation list", "invitation show", "invitation template show", "invitation template preview",
      "invitation template export", "console sessions", "held list", "held show", "log tail", "log show", "audit list", "audit show",
      "directory check", "dead-letters list", "dead-letters show", "receipt list", "receipt show", "receipt keys", "settings", "top",
      "login", "profile list", "profile use", "profile remove", "recover",
    ]

    @Test("Every command that changes something prints the workspace")
    func workspaces() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let (slug, email) = (workspace.slug, "person@\(workspace.slug).example")
      _ = try await workspace.identityProvider.create(email)
      #expect(try await workspace.identityProvider.send("POST", "/Users", body: IdentityProvider.oktaUser(email)).status == 409)
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let (schema, templates) = (folder.appendingPathComponent("schema.json").path, folder.appendingPathComponent("templates.json").path)
      try #"{"id":"urn:example:operator:2.0:User","name":"Operator","resourceType":"User","attributes":[{"name":"badge"}]}"#
        .write(toFile: schema, atomically: true, encoding: .utf8)
      try #"[{"language":"de","subject":"Willkommen"}]"#.write(toFile: templates, atomically: true, encoding: .utf8)
      _ = try await ConsoleAdmin.signedIn(to: workspace)

      func first(_ arguments: String...) async throws -> String {
        var found: String?
        try await eventually("a line of '\(arguments.joined(separator: " "))'") {
          found = try await workspace.scimctl(arguments).split(separator: "\n").first.map(String.init)
          return found != nil
        }
        return try #require(found)
      }
      func id(_ line: String) throws -> String { try #require(line.split(separator: " ").map(String.init).first { TokenID($0) != nil }) }

      var run: Set<String> = []
      func change(_ name: String, _ arguments: [String] = [], printing text: String? = nil, status: Int32 = 0) async throws {
        run.insert(name)
        let words = name.split(separator: " ").map(String.init)
        let result = try await deployment.scimctlResult(words + arguments, workspace: slug)
        let printed = result.output + result.errors
        #expect(result.status == status, "\(name): \(printed)")
        #expect(printed.contains(text ?? slug), "\(name): \(printed)")
      }
      let url = "https://\(slug).example/sign-in"
      try await change("workspace create", ["\(slug)-b", "--name", "B", "--sign-in-url", url], printing: "\(slug)-b")
      try await change("workspace update", [slug, "--name", "Another name"])
      try await change("workspace domain add", [slug, "scim.\(slug).example"], printing: "Workspace \(slug) ")
      try await change("workspace domain remove", [slug, "scim.\(slug).example"], printing: "Workspace \(slug) ")
      try await change("workspace role add", [slug, "Analyst"])
      try await change("workspace role remove", [slug, "Analyst"])
      try await change("workspace extension set", [slug, schema])
      try await change("workspace extension remove", [slug, "urn:example:operator:2.0:User"])
      try await change("workspace guard set", [slug, "--deactivations", "5", "--notify", "admin@example.com"])
      try await change("workspace guard remove", [slug])
      try await change("token issue", ["--name", "t", "--scope", "scim"])
      let token = try id(try await first("token", "list"))
      try await change("token rotate", [token])
      try await change("token revoke", [token])
      try await change("oauth-client create", ["--name", "c", "--scope", "scim"])
      let client = try id(try await first("oauth-client", "list"))
      try await change("oauth-client rotate-secret", [client])
      try await change("oauth-client revoke", [client])
      try await change("console link", ["--url", "https://console.example"])
      try await change("console sign-out", [try id(try await first("console", "sessions"))])
      for group in ["user", "invitation"] {
        for order in ["resend", "revoke"] { try await change("\(group) \(order)", [email], printing: "of \(slug) ") }
      }
      try await change("invitation template set", ["--subject", "Welcome"])
      try await change("invitation template reset")
      try await change("invitation template import", [templates])
      try await change("invitation branding", ["--colour", "#0a7d4f"])
      try await change("held approve", ["--all"])
      try await change("held reject", ["--all"])
      let entry = try id(try await first("log", "tail", "--failed"))
      try await change("log replay", [entry], printing: "Workspace \(slug)", status: 65)
      try await change("sign-in", [email], printing: "Workspace \(slug)")
      try await change("rebuild")
      try await createDeadLetter(in: workspace)
      try await change("dead-letters replay", [try await deadLetter(of: workspace)], printing: "Workspace \(slug)")
      // The message is still malformed, and becomes a dead letter again.
      try await change("dead-letters drop", [try await deadLetter(of: workspace)], printing: "Workspace \(slug)")
      let expected = Set(ServerCommandRunner.allCommands()).subtracting(Self.otherCommands).subtracting(ServerCommands.onlyThroughServer)
        .subtracting(ServerCommands.dataOnlyThroughServer)
      #expect(expected == run, "a command is neither run here nor in otherCommands")
    }

    /// Publishes a malformed sign-in, which becomes a dead letter of the mailer.
    private func createDeadLetter(in workspace: Workspace) async throws {
      let shown = try await workspace.scimctl(["workspace", "show", workspace.slug]).split(whereSeparator: \.isWhitespace).map(String.init)
      let id = try #require(shown.first { WorkspaceID($0) != nil })
      let event = CloudEvent(
        id: UUID().uuidString, source: "product", type: SignIn.eventType, subject: "ana@example.com", time: Date(),
        extensions: ["workspaceid": id], traceparent: nil, data: Array("{".utf8))
      let producer = try Producer(workspace.deployment.kafka, logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
      try await producer.send(OutgoingMessage(event, topic: .signInEvents, key: id))
      await producer.close()
    }

    /// The id of an open dead letter of the workspace.
    private func deadLetter(of workspace: Workspace) async throws -> String {
      var found: String?
      try await eventually("a dead letter of \(workspace.slug)") {
        let lines = try await workspace.scimctl(["dead-letters", "list"]).split(separator: "\n")
        found = lines.first { $0.split(separator: " ").contains(Substring(workspace.slug)) }?.split(separator: " ").first.map(String.init)
        return found != nil
      }
      return try #require(found)
    }

    @Test("The audit trail names the operator, and contains sign-ins and mail reports without addresses")
    func audit() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let (email, nobody) = ("signs-in@\(workspace.slug).example", "nobody@\(workspace.slug).example")
      let user = try await workspace.identityProvider.create(email)
      #expect(try await workspace.scimctl(["sign-in", email, "--as", "ana"]).contains("active now"))
      #expect(try await workspace.scimctl(["user", "list", "--state", "active"]).contains(email))
      #expect(try await workspace.scimctl(["sign-in", email, "--as", "ana"]).contains("was active already"))
      #expect(try await workspace.scimctl(["sign-in", nobody, "--as=ana"]).contains("remembered for 30 days"))
      let token = try await workspace.scimctl(["token", "issue", "--name", "mail system", "--scope", "admin"])
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let site = deployment.scimURL.replacingOccurrences(of: "/scim", with: "")
      let report = IdentityProvider(baseURL: site, token: token)
      #expect(
        try await report.send("POST", "/mail-events", body: #"{"event":"bounced","email":"\#(email)","reason":"550 \#(email)"}"#).status
          == 202)
      var trail = ""
      try await eventually("the report in the audit trail") {
        trail = try await workspace.scimctl(["audit", "list", "--json"])
        return trail.contains(#""action":"report-mail""#)
      }
      #expect(!trail.contains(email) && !trail.contains(nobody))
      let rows = trail.split(separator: "\n")
      let signIns = rows.filter { $0.contains(#""action":"promote-user""#) }
      #expect(signIns.count == 3 && signIns.allSatisfy { $0.contains(#""actor":"operator:ana""#) })
      #expect(signIns.count { $0.contains("user \(user)") } == 2)
      for outcome in ["promoted", "already-active", "remembered"] { #expect(signIns.contains { $0.contains(#""outcome":"\#(outcome)""#) }) }
      let reported = try #require(rows.first { $0.contains(#""action":"report-mail""#) })
      #expect(reported.contains(#""actor":"token:"#) && reported.contains("user \(user)") && reported.contains("bounced"))

      // The first characters of an id are enough.
      let row = try #require(try JSONSerialization.jsonObject(with: Data(reported.utf8)) as? [String: Any])
      let id = try #require(row["id"] as? String)
      #expect(try await workspace.scimctl(["audit", "show", String(id.dropLast(2))]).contains("report-mail"))
      let ambiguous = try await #require(throws: CommandRun.Failure.self) {
        try await workspace.scimctl(["audit", "show", String(id.prefix(4))])
      }
      #expect(ambiguous.status == 64 && ambiguous.output.contains("Enter more of the id"))
      let unknown = try await #require(throws: CommandRun.Failure.self) { try await workspace.scimctl(["audit", "show", "ffff"]) }
      #expect(unknown.status == 66)
    }

    @Test("Log entries, invitations, held changes and receipts are found by the first characters of their ids")
    func prefixes() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let email = "prefix@\(workspace.slug).example"
      let user = try await workspace.identityProvider.create(email)
      try await workspace.scimctl(["workspace", "guard", "set", workspace.slug, "--deactivations", "0", "--notify", "admin@example.com"])
      #expect(try await workspace.identityProvider.send("DELETE", "/Users/\(user)").status == 204)
      func id(_ arguments: String...) async throws -> String {
        var found: String?
        try await eventually("'\(arguments.joined(separator: " "))' to list one") {
          found = try await workspace.scimctl(arguments).split(separator: "\n").first
            .flatMap { $0.split(separator: " ").map(String.init).first { ResourceID($0) != nil } }
          return found != nil
        }
        return try #require(found)
      }
      let held = try await id("held", "list")
      #expect(try await workspace.scimctl(["held", "show", String(held.dropLast(4))]).contains(held))
      #expect(
        try await workspace.scimctl(["held", "approve", String(held.dropLast(4))]).contains("Workspace \(workspace.slug): \(held) approved")
      )
      let entry = try await id("log", "tail")
      #expect(try await workspace.scimctl(["log", "show", String(entry.dropLast(1)).uppercased()]).contains(entry))
      let invitation = try await id("invitation", "list")
      #expect(try await workspace.scimctl(["invitation", "show", String(invitation.dropLast(6))]).contains(invitation))
      let receipt = try await id("receipt", "list")
      #expect(try await workspace.scimctl(["receipt", "show", String(receipt.dropLast(6))]).contains(receipt))
    }
  }
}
