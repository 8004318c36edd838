import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Held changes")
  struct HeldChanges {
    @Test("A list that empties a group, and a run of deactivations, wait until the operator approves or rejects them")
    func approval() async throws {
      let workspace = try await Suite.shared().workspace()
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

      // The identity provider has its success, and everybody stays.
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
      #expect(try await provider.send("GET", "/Users/\(ids[3])").status == 200, "rejected once, it stays rejected")
      #expect(try await held(workspace).isEmpty)
    }

    private func members(_ workspace: Workspace) async throws -> [Substring] {
      try await workspace.scimctl(["group", "members", "Data team"]).split(separator: "\n")
    }

    private func held(_ workspace: Workspace) async throws -> [Substring] {
      try await workspace.scimctl(["held", "list"]).split(separator: "\n")
    }

    private static func id(_ line: Substring) -> String { String(line.prefix { $0 != " " }) }

    private static func disable(_ id: String, at provider: IdentityProvider) async throws -> Answer {
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
