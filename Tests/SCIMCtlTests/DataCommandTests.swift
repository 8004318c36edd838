import ArgumentParser
import Foundation
import Models
import SCIM
import Testing

@testable import ScimctlCommands

/// The id of a webhook.
private let id = "01a20c81-86d0-7f41-8f52-0c7d3a6f5a10"

@Suite("Arguments of the commands for webhooks, events and accounts")
struct DataCommandTests {
  private func parse<Command: ParsableCommand>(_: Command.Type = Command.self, _ line: String...) throws -> Command {
    try #require(try Scimctl.parseAsRoot(line) as? Command)
  }

  @Test("webhook update sends the options that are given, and all types as null")
  func webhookUpdate() throws {
    let command = try parse(UpdateWebhook.self, "webhook", "update", id, "--url", "https://a.example/", "--all-types")
    #expect(JSON.object(command.changes) == ["url": "https://a.example/", "types": nil])
    let types = try parse(UpdateWebhook.self, "webhook", "update", "01a2", "--type", "access-revoked", "--type", "member.updated")
    #expect(JSON.object(types.changes) == ["types": ["access-revoked", "member.updated"]])
  }

  @Test("webhook rotate-secret has a default, a given and no overlap")
  func overlap() throws {
    #expect(try parse(RotateWebhookSecret.self, "webhook", "rotate-secret", id).overlapSeconds == nil)
    #expect(try parse(RotateWebhookSecret.self, "webhook", "rotate-secret", id, "--overlap", "2h").overlapSeconds == 7200)
    #expect(try parse(RotateWebhookSecret.self, "webhook", "rotate-secret", id, "--at-once").overlapSeconds == 0)
  }

  @Test("With --deployment, --workspace names the workspace of the events to skip or to deliver again")
  func eventWorkspace() throws {
    let skip = try parse(SkipEvent.self, "webhook", "skip", id, "--deployment", "--workspace", "acme", "--sequence", "17")
    #expect(skip.delivery.eventWorkspace == "acme" && skip.sequence == 17)
    let own = try parse(SkipEvent.self, "webhook", "skip", id, "--workspace", "acme", "--sequence", "17")
    #expect(own.delivery.eventWorkspace == nil && own.delivery.webhook.scope.workspace.slug == "acme")
    #expect(
      try parse(RedeliverEvents.self, "webhook", "redeliver", id, "--deployment", "--since", "1h").delivery.eventWorkspace == nil)
  }

  @Test(
    "Contradicting and missing arguments are rejected with what is expected",
    arguments: [
      (["webhook", "skip", id, "--deployment", "--sequence", "1"], "--workspace is required"),
      (["webhook", "skip", id, "--sequence", "0"], "at least 1"), (["webhook", "show", "xyz"], "scimctl webhook list"),
      (["webhook", "list", "--deployment", "-w", "acme"], "exclude each other"), (["webhook", "update", id], "at least one of"),
      (["webhook", "update", id, "--type", "member.updated", "--all-types"], "exclude each other"),
      (["webhook", "rotate-secret", id, "--overlap", "1h", "--at-once"], "exclude each other"),
      (["webhook", "create", "https://a.example/", "--type", "member.renamed"], "member.invited"),
      (["event", "list", "--limit", "0"], "at least 1"), (["event", "snapshot", "--deployment", "-w", "acme"], "exclude each other"),
      (["user", "import", "f", "--dry-run", "--resume", "12345678"], "exclude each other"),
      (["user", "import", "f", "--resume", "1"], "8 to 255"), (["user", "accounts", "--linked", "--all"], "exclude each other"),
      (["user", "list", "--state", "gone"], "invited"), (["held", "approve"], "--all"),
    ])
  func rejected(line: [String], text: String) {
    do {
      _ = try Scimctl.parseAsRoot(line)
      Issue.record("\(line) was accepted")
    } catch {
      #expect(Scimctl.fullMessage(for: error).contains(text), "\(Scimctl.fullMessage(for: error))")
    }
  }

  @Test("group members lists one status or all")
  func memberStatus() throws {
    #expect(try parse(ListGroupMembers.self, "group", "members", "Data", "--state", "all").state.status == nil)
    let command = try parse(ListGroupMembers.self, "group", "members", "Data")
    #expect(command.state.status == .visible)
    let member = GroupMemberRow(id: .made(at: .now), email: "ana@example.com", status: .visible)
    #expect(command.table(of: [member]).lines == ["ana@example.com"])
  }
}
