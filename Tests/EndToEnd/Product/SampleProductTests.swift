import Credentials
import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The sample product")
  struct SampleProductTests {
    @Test("It follows the directory, signs people in, ends sessions, and recovers by cursor and by snapshot", .timeLimit(.minutes(5)))
    func story() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let domain = "\(workspace.slug).example"
      let owner = try #require(AccessToken(idp.token)).workspace.description
      let token = try await workspace.scimctl(["token", "issue", "--name", "comparison", "--scope", "directory"])
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let product = try await SampleProduct.start(in: deployment)
      try await eventually("the first snapshot") { product.snapshots == 1 }

      let ana = try await idp.create("ana@\(domain)", givenName: "Ana")
      let ben = try await idp.create("ben@\(domain)", givenName: "Ben")
      let group = try await idp.createGroup("Data team", members: [ana, ben])
      try await product.awaitEquality(of: owner, token: token)
      // A webhook that Rollcall has not signed changes nothing.
      let forged = try await HTTP.send("POST", product.url + "/webhooks", body: #"{"type":"access-revoked","data":{}}"#)
      #expect(forged.status == 401)

      let answer = try await product.signIn(ana, of: owner)
      #expect(answer.status == 303, "\(answer.text)")
      #expect(try await product.sessions().contains("ana@\(domain)"))
      try await product.awaitEquality(of: owner, token: token)
      try await eventually("events to arrive as webhooks") {
        try await deployment.integer(
          """
          select coalesce(max(last_sequence), 0) from directory.webhook_cursors
          where endpoint_id = '\(product.endpoint)' and workspace_id = '\(owner)'
          """) >= 4
      }

      // While the product is stopped, a person is disabled and another deleted, the group is renamed, and a third person comes.
      product.kill()
      let pages = product.pages
      try await idp.setActive(false, ana)
      #expect(try await idp.send("DELETE", "/Users/\(ben)").status == 204)
      let renaming = try await idp.send(
        "PATCH", "/Groups/\(group)",
        body: """
          {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],\
          "Operations":[{"op":"replace","value":{"displayName":"Research"}}]}
          """)
      #expect([200, 204].contains(renaming.status), "\(renaming.text)")
      _ = try await idp.create("carl@\(domain)", givenName: "Carl")
      try await product.start()
      try await product.awaitEquality(of: owner, token: token)
      #expect(product.pages > pages && product.snapshots == 1, "it recovers by cursor: \(product.log)")
      #expect(try await !product.sessions().contains("ana@\(domain)"))
      // The disabled person is rejected.
      _ = try await product.signIn(ana, of: owner)
      #expect(try await !product.sessions().contains("ana@\(domain)"))

      // Another event log, as after the database was restored: the cursor is gone.
      product.kill()
      _ = try await idp.create("dora@\(domain)", givenName: "Dora")
      _ = try await deployment.integer("update directory.event_log set epoch = gen_random_uuid() returning 1::int8")
      try await product.start()
      try await eventually("another snapshot") { product.snapshots == 2 }
      try await product.awaitEquality(of: owner, token: token)
      _ = try await idp.create("emil@\(domain)", givenName: "Emil")
      try await product.awaitEquality(of: owner, token: token)
      #expect(product.snapshots == 2)
      try await product.remove()
    }
  }
}
