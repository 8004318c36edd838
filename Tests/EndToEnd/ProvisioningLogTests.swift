import Credentials
import Foundation
import Kafka
import Logging
import Models
import Postgres
import Primitives
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The provisioning log")
  struct ProvisioningLog {
    private static let junk = "jnk-9f3Zq81"

    private func user(_ email: String, _ rest: String = "") -> String {
      #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\#(email)","password":"\#(Self.junk)"\#(rest)}"#
    }

    /// The entries of a workspace that `scimctl log tail` prints.
    private func entries(_ workspace: Workspace, _ options: String...) async throws -> [[String: Any]] {
      try await workspace.scimctl(["log", "tail", "--json", "--limit", "500"] + options).split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    }

    private func entry(_ workspace: Workspace, _ what: String, where matches: ([String: Any]) -> Bool) async throws -> [String: Any] {
      var found: [String: Any]?
      try await eventually("the entry of \(what)") {
        found = try await entries(workspace).last(where: matches)
        return found != nil
      }
      return try #require(found)
    }

    @Test("Writes and each kind of rejection are logged with a diagnosis, and no password is stored")
    func entriesOfAllKinds() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = IdentityProvider(baseURL: deployment.scimURL, token: workspace.identityProvider.token, userAgent: "Okta SCIM Client 1.0.0")
      let email = "log@\(workspace.slug).example"
      let created = try await idp.send("POST", "/Users", body: user(email))
      #expect(created.status == 201)
      let id = try #require(created.json["id"] as? String)

      func expectRejection(_ status: Int, _ method: String, _ path: String, _ body: String? = nil, type: String = "application/scim+json")
        async throws
      {
        let answer = try await idp.send(method, path, body: body, contentType: type)
        #expect(answer.status == status, "\(method) \(path): \(answer.text)")
      }
      try await expectRejection(409, "POST", "/Users", user(email.uppercased()))
      try await expectRejection(400, "POST", "/Users", user("role@\(workspace.slug).example", #","secodaRole":"emperor""#))
      try await expectRejection(400, "POST", "/Users", #"{"password":"\#(Self.junk)""#)
      try await expectRejection(
        400, "PATCH", "/Users/\(id)", #"{"Operations":[{"op":"replace","path":"password[","value":"\#(Self.junk)"}]}"#)
      try await expectRejection(404, "PUT", "/Users/6b1f7e0c-0000-4000-8000-000000000000", user(email))
      try await expectRejection(415, "POST", "/Users", "<user/>", type: "text/xml")
      try await expectRejection(400, "GET", "/Users?filter=userName%20eq")
      try await expectRejection(404, "GET", "/Robots")
      let ghost = #"{"displayName":"Ghosts","members":[{"value":"6b1f7e0c-0000-4000-8000-000000000000"}]}"#
      try await expectRejection(400, "POST", "/Groups", ghost)
      let bulk = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
        {"method":"POST","path":"/Users","bulkId":"a","data":\(user("bulk@\(workspace.slug).example"))},
        {"method":"POST","path":"/Users","bulkId":"b","data":\(user(email))}]}
        """
      #expect(try await idp.send("POST", "/Bulk", body: bulk).status == 200)

      // Tokens that are revoked, unknown or lack the scope.
      let narrow = try await workspace.scimctl(["token", "issue", "--name", "narrow", "--scope", "sign-ins"])
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let made = try #require(AccessToken(narrow))
      #expect(try await IdentityProvider(baseURL: deployment.scimURL, token: narrow).send("GET", "/Users").status == 403)
      let unknown = AccessToken.made(for: made.workspace).text
      #expect(try await IdentityProvider(baseURL: deployment.scimURL, token: unknown).send("GET", "/Users").status == 401)
      let listed = try await workspace.scimctl(["token", "list"]).split(separator: "\n")
      let narrowID = try #require(listed.first { $0.hasSuffix("narrow") }?.split(separator: " ").first).description
      try await workspace.scimctl(["token", "revoke", narrowID])
      try await eventually("the revocation to take effect") {
        try await IdentityProvider(baseURL: deployment.scimURL, token: narrow).send("GET", "/Users").status == 401
      }

      let wanted: [(status: Int, cause: String)] = [
        (409, "userNameTaken"), (400, "unknownRole"), (400, "invalidSyntax"), (400, "invalidPath"), (404, "staleUser"), (415, "mediaType"),
        (400, "invalidFilter"), (404, "wrongURL"), (400, "unknownMembers"), (403, "tokenScope"), (401, "tokenUnknown"),
        (401, "tokenRevoked"), (200, "failedOperations"),
      ]
      // Counted by status, because the number of requests until the revocation takes effect varies.
      let statuses = Dictionary(grouping: wanted, by: \.status).mapValues(\.count)
      var failed: [[String: Any]] = []
      try await eventually("all entries") {
        failed = try await entries(workspace, "--failed")
        let found = Dictionary(grouping: failed) { $0["status"] as? Int }.mapValues(\.count)
        return statuses.allSatisfy { found[$0, default: 0] >= $1 }
      }
      var causes: [String] = []
      for entry in failed {
        let shown = try await workspace.scimctl(["log", "show", try #require(entry["id"] as? String), "--json"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? [String: Any])
        let diagnosis = try #require(object["diagnosis"] as? [String: Any])
        causes.append(try #require(diagnosis["cause"] as? String))
      }
      for (status, cause) in wanted {
        #expect(zip(failed, causes).contains { $0["status"] as? Int == status && $1 == cause }, "\(status) \(cause) in \(causes)")
      }
      let write = try await entry(workspace, "the creation") { $0["status"] as? Int == 201 && $0["name"] as? String == email }
      #expect(write["resource"] as? String == id)
      #expect(write["identityProvider"] as? String == "okta")
      #expect(try await workspace.scimctl(["log", "tail", "--user", email, "--status", "201"]).contains(email))
      // The diagnosis of the stale id names the user who has the userName now.
      let stale = try #require(failed.first { $0["status"] as? Int == 404 && $0["method"] as? String == "PUT" }?["id"] as? String)
      let text = try await workspace.scimctl(["log", "show", stale])
      #expect(text.contains("belongs today to the user with id \(id)"))
      #expect(text.contains("Assign to People"))
      try await expectNoSecrets(in: deployment, [Self.junk, narrow, unknown, workspace.identityProvider.token])
    }

    /// Expects that no table and no message contains a secret.
    private func expectNoSecrets(in deployment: Deployment, _ secrets: [String]) async throws {
      let (url, kafka) = (deployment.databaseURL, deployment.kafka)
      let quiet = Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() }
      let pool = PostgresPool(PostgresConfiguration(url: url, connections: 1, applicationName: "EndToEnd"), logger: quiet)
      let tables = try await pool.query(
        Statement(
          once: "tables",
          """
          select schemaname || '.' || tablename from pg_tables
          where schemaname in ('identity', 'mailer', 'directory') and tablename !~ '_\\d{8}$'
          """)
      ).map { try $0.string(0) }
      #expect(tables.count > 10)
      for table in tables {
        for secret in secrets {
          // PostgreSQL prints a bytea in hexadecimal digits.
          let hexadecimal = Hex.encode(secret.utf8)
          let count = try await pool.query(
            Statement(
              once: "secrets", "select count(*) from \(table) t where t::text like '%' || $1 || '%' or t::text like '%' || $2 || '%'"),
            [.text(secret), .text(hexadecimal)]
          ).first?.int(0)
          #expect(count == 0, "\(table) contains a secret")
        }
      }
      await pool.close()
      let inspection = try ClusterInspection(kafka, logger: quiet)
      let topics: [Topic] = [
        .identityCommands, .identityReplies, .identityEvents, .signInEvents, .directoryEvents, .provisioningLog,
        .deadLetters(of: "identity-store"),
      ]
      let found = try await inspection.topics(topics)
      let name = "look-\(UUIDText.text(UUID()))"
      var left = try await inspection.positions(of: name, on: found.mapValues(\.partitions)).filter { $0.value.high > $0.value.low }
      let consumer = try Consumer(kafka, ConsumerConfiguration(group: name, instance: name, topics: topics), logger: quiet)
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await consumer.run() }
        for try await batch in consumer.batches {
          for message in batch.messages {
            let text = String(decoding: message.value, as: UTF8.self) + message.headers.map(\.value).joined(separator: " ")
            for secret in secrets { #expect(!text.contains(secret), "\(message.topic) contains a secret") }
            let partition = TopicPartition(topic: message.topic, partition: message.partition)
            if message.offset + 1 >= left[partition]?.high ?? 0 { left[partition] = nil }
          }
          try await consumer.commit(batch)
          if left.isEmpty { break }
        }
        tasks.cancelAll()
      }
    }

    @Test("A failed request is sent again after its cause is fixed, with its own token, and recorded in the audit trail")
    func replay() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = IdentityProvider(baseURL: deployment.scimURL, token: workspace.identityProvider.token, userAgent: "Okta SCIM Client 1.0.0")
      let email = "again@\(workspace.slug).example"
      let first = try await idp.send("POST", "/Users", body: user(email))
      let id = try #require(first.json["id"] as? String)
      #expect(try await idp.send("POST", "/Users", body: user(email)).status == 409)
      let failed = try await entry(workspace, "the conflict") { $0["status"] as? Int == 409 }
      let failedID = try #require(failed["id"] as? String)
      // The cause is not fixed yet: the request fails again.
      let failure = try await #require(throws: CommandRun.Failure.self) { try await workspace.scimctl(["log", "replay", failedID]) }
      #expect(failure.status == 65)
      #expect(failure.output.contains("409"))
      #expect(try await idp.send("DELETE", "/Users/\(id)").status == 204)
      #expect(try await workspace.scimctl(["log", "replay", failedID]).hasPrefix("201"))
      let found = try await idp.find(userName: email)
      #expect(found.json["totalResults"] as? Int == 1)
      let again = try await entry(workspace, "the replay") { $0["status"] as? Int == 201 && $0["replayOf"] as? String == failedID }
      #expect(again["identityProvider"] as? String == "okta")
      let success = try #require(again["id"] as? String)
      let rejection = try await #require(throws: CommandRun.Failure.self) { try await workspace.scimctl(["log", "replay", success]) }
      #expect(rejection.output.contains("--force"))

      let tokens = try await workspace.scimctl(["token", "list"]).split(separator: "\n").filter { $0.contains("replay of \(failedID)") }
      #expect(tokens.count == 2)
      #expect(tokens.allSatisfy { $0.contains("revoked") })
      let audit = try await workspace.scimctl(["audit", "list"])
      #expect(audit.split(separator: "\n").count { $0.contains("issue-token") && $0.contains("replay of \(failedID)") } == 2)
      #expect(audit.split(separator: "\n").count { $0.contains("revoke-token") && $0.contains("operator:") } == 2)
      #expect(audit.contains("create-workspace"))
      let row = try #require(
        try await workspace.scimctl(["audit", "list", "--action", "create-workspace", "--json"]).split(separator: "\n").first)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any])
      let shown = try await workspace.scimctl(["audit", "show", try #require(object["id"] as? String)])
      #expect(shown.contains("after plan"))
      #expect(shown.contains("enterprise"))
      #expect(try await workspace.scimctl(["audit", "list", "--refused"]).isEmpty)
    }
  }

  @Suite("scimctl doctor")
  struct DoctorTests {
    @Test("doctor finds no problems in a healthy deployment, and names fixes for problems")
    func doctor() async throws {
      let deployment = try await Deployment.shared()
      var healthy = ""
      try await eventually("doctor to find no problems") {
        do {
          healthy = try await deployment.scimctl(["doctor"])
          return true
        } catch let failure as CommandRun.Failure {
          healthy = failure.output
          return false
        }
      }
      for check in [
        "schema: identity", "topics: all", "consumers: provisioning-log", "outbox: identity-store", "outbox: invitation-mailer",
        "outbox: group-sync", "mail: smtp://", "clock", "log-partitions", "event-partitions", "delivery-partitions", "templates",
      ] {
        #expect(healthy.contains("ok    \(check)"), "\(healthy)")
      }

      let noMail = try await problems(of: deployment, ["ROLLCALL_SMTP_URL": "smtp://127.0.0.1:\(try FreePort.find())"])
      #expect(noMail.contains("fail  mail: smtp://127.0.0.1:"))
      #expect(noMail.contains("ROLLCALL_SMTP_URL"))

      let empty = try await KafkaBroker.start()
      let noTopics = try await problems(of: deployment, ["ROLLCALL_KAFKA": empty.bootstrapServers])
      #expect(noTopics.contains("fail  topics: 'provisioning.log' is missing"))
      #expect(noTopics.contains("--create --topic provisioning.log"))
      try await empty.stop()
      let noKafka = try await problems(of: deployment, ["ROLLCALL_KAFKA": empty.bootstrapServers])
      #expect(noKafka.contains("fail  kafka"))

      let json = try await deployment.scimctl(["doctor", "--json"])
      for line in json.split(separator: "\n") {
        #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String] != nil)
      }
      let noDatabase = try await problems(of: deployment, ["ROLLCALL_DATABASE_URL": "postgres://127.0.0.1:1/nothing"])
      #expect(noDatabase.contains("fail  database"))
    }

    /// The output of doctor for settings with a problem. The exit status must be 1.
    private func problems(of deployment: Deployment, _ settings: [String: String]) async throws -> String {
      let failure = try await #require(throws: CommandRun.Failure.self) { try await deployment.scimctl(["doctor"], settings: settings) }
      #expect(failure.status == 1)
      return failure.output
    }
  }
}
