import Foundation
import Kafka
import Logging
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Held changes")
  struct HeldChanges {
    @Test("Removals that empty a group and a series of deactivations wait until the operator approves or rejects them")
    func approval() async throws {
      let workspace = try await Deployment.shared().workspace()
      try await workspace.scimctl([
        "workspace", "guard", "set", workspace.slug, "--shrink", "50", "--from-members", "3", "--deactivations", "1", "--notify",
        "admin@acme.example",
      ])
      let provider = workspace.identityProvider
      var ids: [String] = []
      for number in 0..<4 {
        let email = "held-\(workspace.slug)-\(number)@example.com"
        let id = try #require(try await provider.send("POST", "/Users", body: IdentityProvider.oktaUser(email)).json["id"] as? String)
        try await workspace.scimctl(["sign-in", email])
        ids.append(id)
      }
      let group = try #require(try await provider.send("POST", "/Groups", body: Self.group(ids)).json["id"] as? String)
      try await eventually("four people in the product's group") { try await members(workspace).count == 4 }

      // The identity provider gets a success response, and all members stay.
      #expect(try await provider.send("PUT", "/Groups/\(group)", body: Self.group([ids[0]])).status == 200)
      let change = try #require(try await held(workspace).first)
      #expect(change.contains("3 of 4 members leave"))
      #expect(try await workspace.scimctl(["held", "show", Self.id(change)]).contains("leaves: held-\(workspace.slug)-1@example.com"))
      #expect(try await members(workspace).count == 4)
      try await workspace.scimctl(["held", "approve", Self.id(change)])
      try await eventually("one person in the product's group") { try await members(workspace).count == 1 }
      #expect(try await held(workspace).isEmpty)

      #expect(try await Self.disable(ids[1], at: provider).status == 200)
      #expect(try await Self.disable(ids[2], at: provider).status == 200)
      #expect(try await provider.send("DELETE", "/Users/\(ids[3])").status == 204)
      #expect(try await held(workspace).count == 2)
      #expect(try await provider.send("GET", "/Users/\(ids[3])").json["active"] as? Bool == true)
      try await workspace.scimctl(["held", "reject", "--all"])
      #expect(try await provider.send("DELETE", "/Users/\(ids[3])").status == 204)
      #expect(try await provider.send("GET", "/Users/\(ids[3])").status == 200, "a rejected change stays rejected")
      #expect(try await held(workspace).isEmpty)
    }

    @Test("Single removals are counted together, and the deletion of the group waits as well")
    func steps() async throws {
      let workspace = try await Deployment.shared().workspace()
      try await workspace.scimctl([
        "workspace", "guard", "set", workspace.slug, "--shrink", "50", "--from-members", "3", "--notify", "admin@acme.example",
      ])
      let provider = workspace.identityProvider
      var ids: [String] = []
      for number in 0..<4 {
        let email = "steps-\(workspace.slug)-\(number)@example.com"
        ids.append(try await provider.create(email))
        try await workspace.scimctl(["sign-in", email])
      }
      let group = try #require(try await provider.send("POST", "/Groups", body: Self.group(ids)).json["id"] as? String)
      try await eventually("four people in the product's group") { try await members(workspace).count == 4 }
      for id in ids[..<3] {
        let removal = #"{"op":"remove","path":"members[value eq \"\#(id)\"]"}"#
        let patch = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(removal)]}"#
        #expect(try await provider.send("PATCH", "/Groups/\(group)", body: patch).status == 204)
      }
      let change = try #require(try await held(workspace).first)
      #expect(change.contains("1 of 4 members leave"))
      try await eventually("two people in the product's group") { try await members(workspace).count == 2 }

      #expect(try await provider.send("DELETE", "/Groups/\(group)").status == 204)
      #expect(try await provider.send("GET", "/Groups/\(group)").status == 200, "nothing is deleted yet")
      let deletion = try #require(try await held(workspace).first)
      #expect(deletion.contains("is deleted, with 2 members"))
      try await workspace.scimctl(["held", "approve", Self.id(deletion)])
      #expect(try await provider.send("GET", "/Groups/\(group)").status == 404)
      try await eventually("the group to be gone") { try await !workspace.scimctl(["group", "list"]).contains("Data team") }
    }

    @Test("The administrator gets one mail about a held change, with the command that approves it")
    func notice() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let address = "it@\(workspace.slug).example"
      try await workspace.scimctl([
        "workspace", "guard", "set", workspace.slug, "--shrink", "50", "--from-members", "3", "--notify", address,
      ])
      try await workspace.scimctl(["workspace", "update", workspace.slug, "--admin-language", "de"])
      let provider = workspace.identityProvider
      var ids: [String] = []
      for number in 0..<4 { ids.append(try await provider.create("notified-\(workspace.slug)-\(number)@example.com")) }
      let group = try #require(try await provider.send("POST", "/Groups", body: Self.group(ids)).json["id"] as? String)
      #expect(try await provider.send("PUT", "/Groups/\(group)", body: Self.group([ids[0]])).status == 200)

      try await eventually("the administrator's mail") { try await !deployment.mails(to: address).isEmpty }
      let mail = try #require(try await deployment.mails(to: address).first)
      #expect(mail["Subject"]?.contains("warten auf Ihre Zustimmung") == true)
      #expect(mail.text?.contains("Data team: 3 von 4 Mitgliedern") == true)
      #expect(mail.text?.contains("\(Deployment.publicURL)/console/provisioning/held") == true)
      let change = Self.id(try #require(try await held(workspace).first))
      try await eventually("the mail to be recorded") { try await workspace.scimctl(["held", "show", change]).contains("notified 20") }

      let line = try #require(mail.text?.split(whereSeparator: \.isNewline).first { $0.contains("scimctl held approve") })
      let command = line.split(separator: " ").map(String.init)
      #expect(command.last == change)
      try await deployment.scimctl(Array(command.drop { $0 != "scimctl" }.dropFirst()))
      let members = try await provider.send("GET", "/Groups/\(group)").json["members"] as? [[String: Any]]
      #expect(members?.count == 1)
      // The same event again sends no mail.
      let events = try await deployment.messages(on: .identityEvents) {
        $0.contains { $0.type == "rollcall.change.held.v1" && $0.subject == group }
      }
      let event = try #require(events.first { $0.type == "rollcall.change.held.v1" && $0.subject == group })
      try await deployment.publish(event, on: .identityEvents)
      let other = try await provider.create("later-\(workspace.slug)@example.com")
      #expect(!other.isEmpty)
      try await eventually("a later mail") { try await deployment.mails(to: "later-\(workspace.slug)@example.com").count == 1 }
      #expect(try await deployment.mails(to: address).count == 1)
    }

    private func members(_ workspace: Workspace) async throws -> [Substring] {
      try await workspace.scimctl(["group", "members", "Data team"]).split(separator: "\n")
    }

    private func held(_ workspace: Workspace) async throws -> [Substring] {
      try await workspace.scimctl(["held", "list"]).split(separator: "\n")
    }

    private static func id(_ line: Substring) -> String { String(line.prefix { $0 != " " }) }

    private static func disable(_ id: String, at provider: IdentityProvider) async throws -> HTTPResponse {
      try await provider.send(
        "PATCH", "/Users/\(id)",
        body: """
          {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}
          """)
    }

    private static func group(_ members: [String]) -> String {
      let members = members.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
      return
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data team","members":[\#(members)]}"#
    }
  }
}

extension Deployment {
  /// Publishes an event again.
  nonisolated func publish(_ event: CloudEvent, on topic: Topic) async throws {
    let producer = try Producer(kafka, logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
    try await producer.send(OutgoingMessage(event, topic: topic, key: event.subject))
    await producer.close()
  }
}
