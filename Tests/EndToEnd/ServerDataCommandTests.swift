import Foundation
import Models
import TestSupport
import Testing

@testable import ScimctlCommands

extension EndToEnd.ServerCommands {
  /// The commands for the data of a workspace, which ``data()`` runs.
  static let dataCommands: Set<String> = [
    "user list", "user show", "user timeline", "user resend", "user revoke", "user invitation-link", "user import", "user accounts",
    "user link-account", "user unlink-account", "group list", "group members", "invitation list", "invitation show", "invitation resend",
    "invitation revoke", "sign-in", "held list", "held show", "held approve", "held reject", "log tail", "log show", "log replay",
    "audit list", "audit show", "receipt list", "receipt show", "receipt keys", "directory check", "webhook list", "webhook show",
    "webhook create", "webhook update", "webhook enable", "webhook disable", "webhook delete", "webhook rotate-secret", "webhook test",
    "webhook deliveries", "webhook skip", "webhook redeliver", "event list", "event follow", "event snapshot",
  ]

  @Test("Users, groups, events, webhooks and accounts are managed while database and Kafka are out of reach", .timeLimit(.minutes(10)))
  func data() async throws {
    let deployment = try await Deployment.shared()
    let workspace = try await deployment.workspace()
    let scimctl = try await ServerCommandRunner(deployment, workspace: workspace.slug)
    defer { scimctl.removeFiles() }
    try await members(of: workspace, scimctl)
    try await heldChanges(of: workspace, scimctl)
    try await log(of: workspace, scimctl)
    try await webhooks(of: workspace, scimctl)
    try await events(of: workspace, scimctl)
    try await accounts(of: workspace, scimctl)
    #expect(scimctl.run.subtracting(["workspace guard set", "workspace mail-domain add"]) == Self.dataCommands)
  }

  private func members(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    let (slug, idp) = (workspace.slug, workspace.identityProvider)
    let (ana, ben) = ("ana@\(slug).example", "ben@\(slug).example")
    let ids = [try await idp.create(ana), try await idp.create(ben, givenName: "Ben")]
    _ = try await idp.createGroup("Data team", members: ids)
    #expect(Set(try await scimctl.objects("user list").compactMap { $0["userName"] as? String }) == [ana, ben])
    try await scimctl("user list", ["--state", "invited"], printing: "USERNAME")
    try await scimctl("user show", [ana.uppercased()], printing: ids[0])
    try await scimctl("user show", ["nobody@\(slug).example"], printing: "scimctl user list", status: 66)
    #expect(try await scimctl("user invitation-link", [ana]) == "https://\(slug).example/sign-in\n")

    try await eventually("both invitations") {
      try await scimctl.objects("invitation list", ["--state", "sent"]).count == 2
    }
    let invitation = try #require(try await scimctl.objects("invitation list").first?["id"] as? String)
    try await scimctl("invitation show", [String(invitation.dropLast(4))], printing: "invitation  \(invitation)")
    #expect(try await scimctl.objects("invitation show", [ben]).first?["history"] != nil)
    try await scimctl("user resend", [ben], printing: "another invitation")
    try await scimctl("user revoke", [ben], printing: "no more mail")
    try await scimctl("invitation resend", [ids[1]], printing: "another invitation")
    try await scimctl("invitation revoke", [ben], printing: "no more mail")

    try await scimctl("sign-in", [ana], printing: "is active now")
    try await scimctl("sign-in", [ana], printing: "was active already")
    try await scimctl("sign-in", ["early@\(slug).example"], printing: "remembered for 30 days")
    try await eventually("the member in the group") { try await scimctl("group members", ["data team"]) == "\(ana)\n" }
    try await scimctl("group members", ["Data team", "--state", "all"], printing: "the first sign-in")
    try await scimctl("group members", ["No team"], printing: "scimctl group list", status: 66)
    try await eventually("the numbers of members") {
      let counts = try await scimctl.objects("group list").first?["members"] as? [String: Int]
      return counts == ["visible": 1, "pending": 1, "held": 0]
    }
    #expect(try await scimctl("user timeline", [ana]).contains("first-sign-in"))
    try await scimctl("directory check", ["--patience", "30"], printing: "\(slug): the directory matches the store")

    try await idp.setActive(false, ids[1])
    try await eventually("a receipt") { try await !scimctl.objects("receipt list", ["--user", ids[1]]).isEmpty }
    let receipt = try #require(try await scimctl.objects("receipt list").first?["id"] as? String)
    try await scimctl("receipt show", [String(receipt.dropLast(3))], printing: "\"reason\":\"disabled\"")
    try await scimctl("receipt keys", printing: "\"keys\":[")
    try await scimctl("sign-in", [ben], printing: "stays disabled", status: 65)
  }

  private func heldChanges(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    let (slug, idp) = (workspace.slug, workspace.identityProvider)
    try await scimctl("workspace guard set", [slug, "--deactivations", "0", "--notify", "it@\(slug).example"])
    let ids = [try await idp.create("held-0@\(slug).example"), try await idp.create("held-1@\(slug).example")]
    // The settings take effect within a second.
    try await eventually("two held changes") {
      for id in ids { try await idp.setActive(false, id) }
      return try await scimctl.objects("held list").count == 2
    }
    let changes = try await scimctl.objects("held list").compactMap { $0["id"] as? String }
    try await scimctl("held show", [String(changes[0].dropLast(2))], printing: "is disabled")
    try await scimctl("held approve", [changes[0]], printing: "\(changes[0]) approved")
    try await scimctl("held reject", ["--all"], printing: "\(changes[1]) rejected")
    try await scimctl("held reject", ["--all"], printing: "no changes wait")
    #expect(try await scimctl.objects("held list", ["--all"]).count == 2)
    try await scimctl("held show", ["ffff"], printing: "scimctl held list --all", status: 66)
  }

  private func log(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    let gone = UUID().uuidString.lowercased()
    let patch = """
      {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}
      """
    #expect(try await workspace.identityProvider.send("PATCH", "/Users/\(gone)", body: patch).status == 404)
    try await eventually("the entry") {
      try await !scimctl.objects("log tail", ["--user", gone, "--status", "404"]).isEmpty
    }
    let entry = try #require(try await scimctl.objects("log tail", ["--failed", "--user", gone]).last?["id"] as? String)
    try await scimctl("log tail", ["--failed"], printing: "User not found")
    let shown = try await scimctl("log show", [String(entry.dropLast(1))])
    for part in ["PATCH /api/v2/scim/Users/\(gone)", "body:", "why:", "fix:"] { #expect(shown.contains(part), "\(shown)") }
    try await scimctl("log replay", [entry], printing: "failed again with status 404", status: 65)

    let trail = try await scimctl.objects("audit list", ["--action", "decide-held-change", "--since", "1h"])
    #expect(trail.count == 2 && trail.allSatisfy { ($0["actor"] as? String)?.isEmpty == false }, "\(trail)")
    let id = try #require(trail.first?["id"] as? String)
    try await scimctl("audit show", [String(id.dropLast(2))], printing: "decide-held-change")
    #expect(try await scimctl.objects("audit list", ["--action", "decide-held-change", "--refused"]).isEmpty)
    #expect(try await scimctl.objects("audit list", ["--actor", "operator:nobody"]).isEmpty)
  }

  private func webhooks(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    for scope in [[], ["--deployment"]] {
      let of = scope.isEmpty ? [] : scope + ["--workspace", workspace.slug]
      // Nothing listens there.
      let url = "http://127.0.0.1:1/rollcall"
      let created = try #require(
        try await scimctl.objects("webhook create", [url, "--type", "member.updated", "--description", "CLI"] + scope).first)
      let id = try #require(created["id"] as? String)
      #expect((created["secret"] as? String)?.hasPrefix("whsec_") == true)
      #expect(try await scimctl.objects("webhook list", scope).contains { $0["id"] as? String == id })
      try await scimctl("webhook update", [id, "--all-types", "--description", "Changed"] + scope, printing: "updated")
      try await scimctl("webhook show", [String(id.dropLast(3))] + scope, printing: "Changed")
      try await scimctl("webhook disable", [id, "--reason", "Maintenance"] + scope, printing: "disabled")
      try await scimctl("webhook show", [id] + scope, printing: "Maintenance")
      try await scimctl("webhook enable", [id] + scope, printing: "enabled")
      #expect(try await scimctl("webhook rotate-secret", [id, "--at-once"] + scope).hasPrefix("whsec_"))
      try await scimctl("webhook test", [id] + scope, printing: "test event")
      try await eventually("the test event in the delivery log") {
        try await scimctl.objects("webhook deliveries", [id, "--failed"] + scope).contains { $0["type"] as? String == "webhook.test" }
      }
      try await scimctl("webhook deliveries", [id] + scope, printing: "OUTCOME")
      try await scimctl("webhook skip", [id, "--sequence", "1"] + (of.isEmpty ? scope : of), printing: "event 1 is skipped")
      try await scimctl("webhook redeliver", [id, "--since", "1h"] + (of.isEmpty ? scope : of), printing: "again")
      try await scimctl("webhook delete", [id] + scope, printing: "deleted")
      try await scimctl("webhook show", [id] + scope, printing: "webhook endpoint", status: 66)
    }
    try await scimctl("webhook create", ["ftp://127.0.0.1/"], status: 65)
  }

  private func events(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    try await eventually("events") { try await scimctl.objects("event list", ["--limit", "1000"]).count >= 6 }
    let sequences = try await scimctl.objects("event list", ["--limit", "1000"]).compactMap { $0["sequence"] as? Int }
    #expect(sequences == Array(1...sequences.count))
    let revocations = try await scimctl.objects("event list", ["--type", "access-revoked"])
    #expect(!revocations.isEmpty && revocations.allSatisfy { $0["type"] as? String == "access-revoked" })
    try await scimctl("event list", ["--after", "nonsense"], printing: "latest", status: 65)
    let lines = try await scimctl("event snapshot").split(separator: "\n")
    #expect(lines.first?.contains("\"type\":\"snapshot\"") == true && lines.last?.contains("\"type\":\"end\"") == true)
    #expect(try await scimctl("event snapshot", ["--deployment"]).split(separator: "\n").count >= lines.count)

    // A following command prints what happens, until it is ended.
    let following = try scimctl.start("event follow", ["--type", "member.invited"])
    defer { following.end() }
    var number = 0
    // It may read its first cursor after the first of these users.
    try await eventually("the follower to print an event", within: .seconds(60)) {
      number += 1
      _ = try await workspace.identityProvider.create("followed-\(number)@\(workspace.slug).example")
      return try following.output.contains("member.invited")
    }
    #expect(following.isRunning)
  }

  private func accounts(of workspace: Workspace, _ scimctl: ServerCommandRunner) async throws {
    let domain = "\(workspace.slug).example"
    try await scimctl("workspace mail-domain add", [workspace.slug, domain, "--asserted"])
    let file = try scimctl.file(
      "accounts.ndjson", #"{"id":"a-dora","email":"dora@\#(domain)"}"# + "\n" + #"{"id":"a-eve","email":"eve@\#(domain)"}"# + "\n")
    #expect(try await scimctl.objects("user import", [file, "--dry-run"]).first?["new"] as? Int == 2)
    #expect(try await scimctl.objects("user import", [file]).first?["status"] as? String == "done")
    let key = "e2e-\(workspace.slug)-import"
    try await scimctl("user import", [file, "--resume", key], printing: "done")
    try await scimctl("user import", [file, "--resume", key], printing: "done")
    let broken = try scimctl.file("broken.ndjson", "{\"id\":\"1\"}\n{\"id\":\"2\",\"email\":\"DORA@\(domain)\"}\nnonsense\n")
    let wrong = try await workspace.deployment.scimctlResult(["user", "import", broken] + scimctl.server, workspace: workspace.slug)
    #expect(wrong.status == 65)
    for line in 1...3 { #expect(wrong.errors.contains("\(broken):\(line): "), "\(wrong.errors)") }

    let dora = try await workspace.identityProvider.create("dora@\(domain)")
    try await eventually("the link") {
      try await scimctl.objects("user accounts", ["--linked"]).contains { $0["user"] as? String == dora }
    }
    #expect(try await scimctl.objects("user accounts").compactMap { $0["id"] as? String } == ["a-eve"])
    try await scimctl("user accounts", ["--all"], printing: "ACCOUNT")
    try await scimctl("user unlink-account", ["dora@\(domain)"], printing: "not linked")
    try await scimctl("user link-account", [dora, "a-dora"], printing: "is linked")
    #expect(try await scimctl.objects("user show", [dora]).first?["accountId"] as? String == "a-dora")
  }
}
