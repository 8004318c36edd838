import Foundation
import JWTKit
import Kafka
import Logging
import Models
import Postgres
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The directory")
  struct DirectoryTests {
    @Test("Members are visible, pending or held; access ends first, with a receipt and a signed token")
    func memberStatus() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let emails = ["ana", "ben", "eva"].map { "\($0)@\(workspace.slug).example" }
      var ids: [String] = []
      for email in emails { ids.append(try await idp.create(email)) }
      let group = try await idp.createGroup("Data team", members: ids)
      for email in emails.dropFirst() { try await workspace.scimctl(["sign-in", email]) }
      try await eventually("two members to be visible") {
        try await workspace.visibleMembers(of: "Data team") == emails.dropFirst().sorted()
      }
      try await idp.setActive(false, ids[2])

      try await eventually("one member of each status") {
        try await workspace.scimctl(["group", "list"]).withoutAlignment.contains("1 1 1 Data team")
      }
      #expect(try await workspace.visibleMembers(of: "Data team") == [emails[1]])
      let pending = try await workspace.scimctl(["group", "members", "Data team", "--state", "pending"])
      #expect(pending.contains(emails[0]) && pending.contains("the first sign-in"))
      #expect(try await workspace.scimctl(["group", "members", "Data team", "--state", "held"]).contains(emails[2]))
      #expect(try await workspace.scimctl(["group", "members", "Data team", "--state", "all"]).split(separator: "\n").count == 3)

      // The events about Eva, in order: the end of her access is first.
      let evaID = ids[2]
      let events = try await deployment.messages(on: .directoryEvents) { events in
        events.contains { $0.subject == evaID && $0.type.contains("disabled") }
      }
      let eva = try events.filter { $0.subject == evaID }.map { try DirectoryEvent($0) }
      #expect(eva.map(\.type) == [.memberInvited, .memberActivated, .accessRevoked, .memberDisabled])
      #expect(eva.map(\.member?.state) == [.invited, .active, .disabled, .disabled])
      #expect(eva.allSatisfy { $0.member?.email == emails[2] && $0.member?.userName == emails[2] })
      #expect(eva[2].reason == .disabled)
      // The sequence has no gap, and the log has the same events.
      let workspaceID = try #require(eva.first).workspace
      let inWorkspace = try events.filter { $0.extensions["workspaceid"] == workspaceID.description }.map { try DirectoryEvent($0) }
      let sequences = Set(inWorkspace.compactMap(\.sequence)).sorted()
      #expect(sequences == Array(1...Int64(sequences.count)))
      #expect(
        try await deployment.integer("select count(*) from directory.events where workspace_id = '\(workspaceID)'") >= sequences.count)

      // The product reads the directory API in pages.
      let product = try await workspace.product()
      let page = try await product.get("/groups/\(group)/members?state=all&limit=2")
      #expect(page.status == 200, "\(page.text)")
      let cursor = try #require(page.json["nextCursor"] as? String)
      let rest = try await product.get("/groups/\(group)/members?state=all&limit=2&cursor=\(cursor)")
      let members = [page, rest].flatMap { $0.json["members"] as? [[String: Any]] ?? [] }
      #expect(members.compactMap { $0["id"] as? String } == ids.sorted())
      #expect(rest.json["nextCursor"] == nil)
      let invited = try await product.get("/members?state=invited")
      #expect((invited.json["members"] as? [[String: Any]])?.compactMap { $0["email"] as? String } == [emails[0]])
      let groups = try await product.get("/groups")
      #expect((groups.json["groups"] as? [[String: Any]])?.compactMap { $0["displayName"] as? String } == ["Data team"])
      let otherToken = Product(url: deployment.directoryURL, token: idp.token)
      #expect(try await otherToken.get("/groups").status == 403)

      // Ben is deleted: the operator and the product can read the receipt, and it was published as a token.
      #expect(try await idp.send("DELETE", "/Users/\(ids[1])").status == 204)
      var receipt: [String: Any] = [:]
      try await eventually("the receipt of Ben's deletion") {
        let found = try await product.get("/receipts?member=\(ids[1])")
        receipt = (found.json["receipts"] as? [[String: Any]])?.first ?? [:]
        return receipt["reason"] as? String == "deleted"
      }
      let id = try #require(receipt["id"] as? String)
      #expect((receipt["groups"] as? [[String: Any]])?.first?["id"] as? String == group)
      #expect(try await product.get("/receipts/\(id)").json["member"] as? String == ids[1])
      let shown = try await workspace.scimctl(["receipt", "show", id])
      #expect(shown.contains("access-revoked") && !shown.contains("@"))
      #expect(try await workspace.scimctl(["receipt", "list"]).split(separator: "\n").count == 2)

      let tokens = try await deployment.messages(on: .securityEvents) { events in events.contains { $0.id == id } }
      let token = try #require(tokens.first { $0.id == id })
      let keys = try await JWTKeyCollection().add(jwksJSON: try await workspace.scimctl(["receipt", "keys"]))
      let claims = try await keys.verify(token.data, as: Claims.self)
      #expect(claims.iss == "https://e2e.example")
      #expect(claims.events["urn:ietf:params:scim:event:prov:delete"] != nil)
      // A receiver finds the key at the issuer's well-known URL.
      let issuer = IdentityProvider(baseURL: deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: ""), token: "")
      let published = try await issuer.send("GET", "/.well-known/jwks.json")
      let found = try await JWTKeyCollection().add(jwksJSON: published.text).verify(token.data, as: Claims.self)
      #expect(found.iss == claims.iss)
      #expect(try await product.get("/jwks").text == (try await workspace.scimctl(["receipt", "keys"])).trimmingCharacters(in: .newlines))
    }

    @Test("A check finds lost rows in the directory, and a rebuild corrects them while requests continue")
    func rebuild() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let emails = (1...6).map { "person\($0)@\(workspace.slug).example" }
      var ids: [String] = []
      for email in emails { ids.append(try await idp.create(email)) }
      let group = try await idp.createGroup("Everybody", members: ids)
      _ = try await idp.createGroup("Few", members: Array(ids.prefix(2)))
      for email in emails.prefix(4) { try await workspace.scimctl(["sign-in", email]) }
      #expect(try await idp.send("DELETE", "/Users/\(ids[5])").status == 204)
      try await eventually("the directory to match the store") { try await workspace.directoryMatchesStore(recheckSeconds: 0) }
      for email in emails.prefix(5) {
        try await eventually("the invitation of \(email)") { try await deployment.mails(to: email).count == 1 }
      }

      let unknownUser = UserID.made(at: Date())
      for statement in [
        "delete from directory.members where id = '\(ids[0])'",
        "update directory.members set state = 'disabled', role = 'admin' where id = '\(ids[1])'",
        "update directory.members set state = 'active', email = 'x@example.com' where id = '\(ids[5])'",
        "delete from directory.memberships where group_id = '\(group)' and member_id = '\(ids[2])'",
        "delete from directory.groups where display_name = 'Few'",
        "insert into directory.members (workspace_id, id, state, version) select workspace_id, '\(unknownUser)', 'active', 3 from directory.groups where id = '\(group)'",
        "insert into directory.memberships select workspace_id, id, '\(unknownUser)' from directory.groups where id = '\(group)'",
      ] { try await deployment.modifyDatabase(statement) }

      let failure = await #expect(throws: CommandRun.Failure.self) {
        try await workspace.scimctl(["directory", "check", "--patience", "1"])
      }
      #expect(failure?.status == 1)
      // Without the alignment of columns.
      let output = (failure?.output ?? "").split { $0 == " " }.joined(separator: " ")
      #expect(output.contains("\(ids[0]) missing in the directory"))
      #expect(output.contains("state is 'disabled' in the directory and 'active' in the store"))
      #expect(output.contains("\(unknownUser) extra in the directory"))
      #expect(output.contains("scimctl rebuild --workspace \(workspace.slug)"))

      async let busy: Void = {
        for number in 0..<20 { _ = try await idp.create("later\(number)@\(workspace.slug).example") }
      }()
      let published = try await workspace.scimctl(["rebuild"])
      #expect(published.contains("workspaces 1, users"), "\(published)")
      try await busy
      try await eventually("the directory to match the store again") { try await workspace.directoryMatchesStore(recheckSeconds: 0) }
      #expect(try await workspace.visibleMembers(of: "Everybody") == emails.prefix(4).sorted())
      #expect(try await workspace.visibleMembers(of: "Few") == emails.prefix(2).sorted())
      // Another rebuild changes nothing, and nobody is mailed again.
      try await workspace.scimctl(["rebuild"])
      try await eventually("the invitations of the twenty users who were created meanwhile") {
        try await deployment.mails(to: "later19@\(workspace.slug).example").count == 1
      }
      for email in emails.prefix(5) { #expect(try await deployment.mails(to: email).count == 1) }
    }
  }
}

/// The claims of a security event token that the tests read.
private struct Claims: JWTPayload {
  var iss: String
  var events: [String: Anything]

  /// Any JSON value, which is ignored.
  struct Anything: Codable, Sendable {
    init(from decoder: any Decoder) throws {}
    func encode(to encoder: any Encoder) throws {}
  }

  func verify(using algorithm: some JWTAlgorithm) async throws {}
}

/// A client of the product's directory API.
struct Product: Sendable {
  let url: String
  let token: String

  /// Sends a GET request to a path below the base URL.
  func get(_ path: String) async throws -> HTTPResponse {
    try await HTTP.send("GET", url + path, headers: ["Authorization": "Bearer \(token)"])
  }
}

extension Workspace {
  /// Creates a client of the directory API with its own token.
  func product() async throws -> Product {
    let printed = try await scimctl(["token", "issue", "--name", "product", "--scope", "directory"])
    return Product(url: deployment.directoryURL, token: printed.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Whether `scimctl directory check` finds no differences.
  func directoryMatchesStore(recheckSeconds: Int) async throws -> Bool {
    do {
      try await scimctl(["directory", "check", "--patience", "\(recheckSeconds)"])
      return true
    } catch let failure as CommandRun.Failure where failure.status == 1 {
      return false
    }
  }
}

extension Deployment {
  /// Executes a statement as superuser, to change rows without the services.
  nonisolated func modifyDatabase(_ statement: String) async throws {
    let pool = PostgresPool(PostgresConfiguration(url: databaseURL, connections: 1, applicationName: "end-to-end"), logger: Self.quiet)
    _ = try await pool.query(Statement(once: "modification", statement))
    await pool.close()
  }

  /// Reads a topic from its beginning until the messages satisfy a condition.
  nonisolated func messages(on topic: Topic, until isComplete: @Sendable ([CloudEvent]) -> Bool) async throws -> [CloudEvent] {
    let name = "reader-\(UUID())"
    let consumer = try Consumer(kafka, ConsumerConfiguration(group: name, instance: name, topics: [topic]), logger: Self.quiet)
    let read = ReadEvents()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await consumer.run() }
      group.addTask {
        for try await batch in consumer.batches { await read.append(try batch.messages.map { try $0.cloudEvent() }) }
      }
      defer { group.cancelAll() }
      try await eventually("the expected messages on \(topic.name)", within: .seconds(120)) { await read.satisfy(isComplete) }
      return await read.events
    }
  }

  private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

/// The events that were read so far.
private actor ReadEvents {
  private(set) var events: [CloudEvent] = []
  private var hasChanged = true

  func append(_ more: [CloudEvent]) {
    events += more
    hasChanged = true
  }

  /// Tests the condition, unless there are no more events than at the last test: a topic has the events of all tests.
  func satisfy(_ isComplete: @Sendable ([CloudEvent]) -> Bool) -> Bool {
    guard hasChanged else { return false }
    hasChanged = false
    return isComplete(events)
  }
}
