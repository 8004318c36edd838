import Credentials
import Foundation
import Kafka
import Logging
import Models
import Postgres
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Secrets and logs")
  struct Secrets {
    @Test("A secret in a request never reaches a log, a message, a table or a response")
    func secrets() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let secret = "s3cr3t\(UUID().uuidString.prefix(8))"
      let id = try await idp.create("keeper-\(secret.suffix(8).lowercased())@example.com")
      let unknown = AccessToken.made(for: .made(at: Date())).text
      let patch =
        #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"password","value":"\#(secret)"}]}"#
      var answers: [HTTPResponse] = []
      func send(_ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]) async throws {
        var all = ["Authorization": "Bearer \(idp.token)", "Content-Type": "application/scim+json"]
        all.merge(headers) { _, new in new }
        answers.append(try await HTTP.send(method, idp.baseURL + path, headers: all, body: body))
      }
      // As a password: in valid requests, in a bulk, and in requests that are rejected for another reason.
      try await send("POST", "/Users", #"{"userName":"p1-\#(UUID().uuidString)@example.com","password":"\#(secret)"}"#)
      try await send("PUT", "/Users/\(id)", #"{"userName":"p2-\#(UUID().uuidString)@example.com","password":"\#(secret)"}"#)
      try await send("PATCH", "/Users/\(id)", patch)
      try await send("POST", "/Users", #"{"password":"\#(secret)"}"#)
      try await send("PATCH", "/Users/\(UUID().uuidString.lowercased())", patch)
      try await send("PATCH", "/Groups/\(id)", patch)
      try await send(
        "POST", "/Bulk",
        #"""
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
          {"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"p3-\#(UUID().uuidString)@example.com","password":"\#(secret)"}},
          {"method":"PATCH","path":"/Users/\#(id)","data":\#(patch)}]}
        """#)
      try await send(
        "POST", "/Users/.search",
        #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"password eq \"\#(secret)\""}"#)
      try await send("GET", "/Users?filter=password%20eq%20%22\(secret)%22")
      // In filters, paths and names that cannot be parsed.
      for filter in [#"password xx "\#(secret)""#, #"password eq \#(secret)"#, #"userName eq "a" and secret "\#(secret)"#] {
        let encoded = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        try await send("GET", "/Users?filter=\(encoded)")
        let json = filter.replacingOccurrences(of: "\"", with: "\\\"")
        for member in [#""filter":"\#(json)""#, #""sortBy":"\#(json)""#, #""attributes":["\#(json)"]"#] {
          try await send(
            "POST", "/Users/.search", #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],\#(member)}"#)
        }
        let operation = #"{"Operations":[{"op":"replace","path":"\#(json)","value":"\#(secret)"}]}"#
        try await send("PATCH", "/Users/\(id)", operation)
        try await send("PATCH", "/Groups/\(id)", operation)
        try await send(
          "POST", "/Bulk",
          #"""
          {"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
            {"method":"PATCH","path":"/Users/\#(id)","data":\#(operation)},{"method":"DELETE","path":"/Users/\#(json)"}]}
          """#)
      }
      for path in [#"password[x eq \"\#(secret)\"]"#, #"password[value eq \"\#(secret)\"]"#, #"emails[secret eq \"\#(secret)\"].value"#] {
        try await send("PATCH", "/Users/\(id)", #"{"Operations":[{"op":"remove","path":"\#(path)"}]}"#)
      }
      for path in ["/Users/\(idp.token)", "/\(idp.token)", "/Users/password=\(secret)", "/token%22\(secret)%22"] {
        try await send("GET", path)
      }
      // As a token in the wrong place, and as an invalid token.
      for query in [
        "access_token=\(secret)", "token=\(idp.token)", "password=\(secret)", "TOKEN=\(secret)", "%74oken=\(secret)", "api_key=\(secret)",
        "x=\(idp.token)",
      ] { try await send("GET", "/Users?\(query)") }
      for header in [secret, "Basic \(secret)", "Bearer \(secret)", "Bearer \(unknown)", "SSWS \(secret)", idp.token] {
        try await send("GET", "/Users", headers: ["Authorization": header])
      }
      for name in ["Cookie", "X-Api-Key", "Proxy-Authorization", "traceparent"] { try await send("GET", "/Users", headers: [name: secret]) }
      // Later messages on every partition, to read the topics up to here.
      let marks = (0..<24).map { "mark-\($0)-\(UUID().uuidString.prefix(8).lowercased())@example.com" }
      for mark in marks { _ = try await idp.create(mark) }

      let secrets = [secret, String(idp.token.dropFirst(40)), String(unknown.dropFirst(40))]
      func expectNone(in text: String, _ place: String) {
        for secret in secrets where text.contains(secret) {
          let found = text.range(of: secret).map { text[..<$0.lowerBound].suffix(200) } ?? ""
          Issue.record("\(place) contains '\(secret)' after '\(found)'")
        }
      }
      for (index, answer) in answers.enumerated() { expectNone(in: answer.text + "\(answer.headers)", "answer \(index)") }
      let messages = try await deployment.messages(until: marks)
      #expect(messages.count > 2 * marks.count)
      for message in messages { expectNone(in: message, "a message") }
      for (service, log) in await deployment.logs { expectNone(in: log, "the log of \(service)") }
      for row in try await deployment.everyRow() { expectNone(in: row, "a row") }
    }

    @Test("Every log line is one JSON object, and a client cannot forge lines")
    func logs() async throws {
      let deployment = try await Deployment.shared()
      let idp = try await deployment.workspace().identityProvider
      let forged = #"{"level":"critical","message":"forged"}"#
      let id = try await idp.create("logged-\(UUID().uuidString.prefix(8).lowercased())@example.com")
      let hostileTexts = [
        "\\n\(forged.replacingOccurrences(of: "\"", with: "\\\""))\\n", "\\r\\n\\u0085\\u2028x", "\\u0007\\u001b[31m",
        "\\ud83d\\ude00\\u202e",
      ]
      for text in hostileTexts {
        for body in [
          #"{"userName":"n\#(UUID().uuidString)@example.com","displayName":"\#(text)","name":{"givenName":"\#(text)"}}"#,
          #"{"userName":"\#(text)","secodaRole":"\#(text)"}"#,
          #"{"userName":"a@example.com","emails":[{"value":"\#(text)","type":"work"}]}"#,
        ] {
          let answer = try await idp.send("POST", "/Users", body: body)
          #expect(answer.status < 500, "\(answer.text)")
          #expect((try JSONSerialization.jsonObject(with: Data(answer.body))) is [String: Any])
        }
      }
      let encoded = forged.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
      for path in ["/Users/%0a\(encoded)%0a", "/%0d%0a\(encoded)", "/Users/\(id)%00", "/Users?filter=%0a\(encoded)"] {
        for agent in ["a\tb", "x\u{85}y", "\"}\\n\(forged)"] {
          let answer = try await HTTP.send(
            "GET", idp.baseURL + path, headers: ["Authorization": "Bearer \(idp.token)", "User-Agent": agent, "traceparent": agent])
          #expect(answer.status >= 400 && answer.status < 500)
        }
      }
      for (service, log) in await deployment.logs {
        for line in log.split(whereSeparator: \.isNewline) {
          let object = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
          #expect(object != nil, "\(service): \(line)")
          #expect(object?["message"] as? String != "forged", "\(service): \(line)")
          #expect(!line.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(service): \(line)")
        }
      }
    }
  }
}

extension Deployment {
  /// Reads every topic, including keys and headers, until each of `marks` has occurred in a command and in an event.
  nonisolated func messages(until marks: [String]) async throws -> [String] {
    let topics: [Topic] = [
      .identityCommands, .identityReplies, .identityEvents, .directoryEvents, .signInEvents, .provisioningLog,
    ]
    let consumer = try Consumer(
      kafka, ConsumerConfiguration(group: "secrets-\(UUID().uuidString)", instance: "secrets", topics: topics),
      logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
    return try await withThrowingTaskGroup(of: [String]?.self) { group in
      group.addTask {
        try await consumer.run()
        return nil
      }
      group.addTask {
        var seen: [String] = []
        var missing = Set(["identity.commands", "identity.events"].flatMap { topic in marks.map { "\(topic) \($0)" } })
        for try await batch in consumer.batches {
          for message in batch.messages {
            let text = String(decoding: message.value, as: UTF8.self)
            seen.append("\(message.topic) \(message.key.map { String(decoding: $0, as: UTF8.self) } ?? "") \(message.headers) \(text)")
            for mark in marks where text.contains(mark) { missing.remove("\(message.topic) \(mark)") }
          }
          if missing.isEmpty { break }
        }
        return seen
      }
      defer { group.cancelAll() }
      while let found = try await group.next() {
        if let found { return found }
      }
      return []
    }
  }

  /// Every row of every table, as text.
  nonisolated func everyRow() async throws -> [String] {
    let pool = PostgresPool(
      PostgresConfiguration(url: databaseURL, connections: 1, applicationName: "end-to-end"),
      logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
    let tables = try await pool.query(
      Statement(
        once: "tables",
        """
        select format('%I.%I', n.nspname, c.relname)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('identity', 'mailer', 'directory')
        and c.relkind in ('r', 'p')
        and not c.relispartition
        """))
    var rows: [String] = []
    for table in tables {
      let name = try table.string(0)
      for row in try await pool.query(Statement(once: "rows", "select t::text from \(name) t")) {
        rows.append("\(name) \(try row.string(0))")
      }
    }
    await pool.close()
    return rows
  }
}
