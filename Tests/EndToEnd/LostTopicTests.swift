import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  /// Tests with their own deployments, because they delete messages.
  @Suite("Lost messages and topics", .serialized, .timeLimit(.minutes(15)))
  struct LostTopics {
    @Test("Events that were deleted before they were read are recovered automatically, and nobody is mailed twice")
    func skippedEvents() async throws {
      let deployment = try await Deployment.start()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let (known, missed) = ("known@\(workspace.slug).example", "missed@\(workspace.slug).example")
      _ = try await idp.create(known)
      try await eventually("the first invitation") { try await deployment.mails(to: known).count == 1 }
      let consumers = ["group-sync", "invitation-mailer"]
      for name in consumers { await deployment.stop(name) }
      let id = try await idp.create(missed)
      _ = try await idp.send(
        "POST", "/Groups",
        body: """
          {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Team","members":[{"value":"\(id)"}]}
          """)
      try await eventually("the events to be published") {
        try await deployment.integer("select count(*) from identity.outbox") == 0
      }
      try await deployment.deleteMessages(of: .identityEvents)
      for name in consumers { try await deployment.start(name) }
      try await eventually("the missed invitation") { try await deployment.mails(to: missed).count == 1 }
      try await eventually("the missed group") { try await workspace.scimctl(["group", "list"]).contains("Team") }
      try await eventually("both rebuilds to be finished") {
        try await deployment.integer("select count(*) from identity.rebuilds where finished_at is not null") == 2
      }
      #expect(try await deployment.mails(to: known).count == 1)
      #expect(try await deployment.mails(to: missed).count == 1)
      // Another restart requests no further rebuild.
      for name in consumers { try await deployment.restart(name, by: SIGTERM) }
      #expect(try await deployment.integer("select count(*) from identity.rebuilds") == 2)
      await deployment.stopAll()
    }

    @Test("A missing command topic is created again, and writes get 503 until then")
    func missingTopic() async throws {
      let deployment = try await Deployment.start()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      _ = try await idp.create("before@\(workspace.slug).example")
      try await deployment.delete(.identityCommands)
      let during = try await idp.send("POST", "/Users", body: IdentityProvider.oktaUser("during@\(workspace.slug).example"))
      // The topic may have been created again by then.
      #expect([201, 503].contains(during.status))
      try await eventually("writes to work again") {
        try await idp.send("POST", "/Users", body: IdentityProvider.oktaUser("after@\(workspace.slug).example")).status == 201
      }
      #expect(await deployment.logs.values.contains { $0.contains("topics are missing") && $0.contains("identity.commands") })
      await deployment.stopAll()
    }
  }
}
