import Credentials
import Foundation
import Kafka
import Logging
import Models
import ProvisioningLog
import SCIM
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Logging of requests to the provisioning log")
struct ProvisioningLogTests {
  private func entries(of builder: EdgeBuilder) -> [LogEntry] {
    builder.log.take(1000).flatMap { $0.entries() } + builder.log.takeUnverified(all: true)
  }

  @Test("A write is logged with its request and result, without the password")
  func write() async throws {
    var builder = EdgeBuilder()
    builder.settings.connectionProfile = .auto
    builder.reply = { .resource(EdgeBuilder.user("ana@example.com", id: $0.resource), created: true) }
    try await serving(builder) { [builder] client in
      let answer = try await client.send(
        "POST", "/Users?attributes=userName", #"{"userName":"ana@example.com","emails":{"value":"ana@example.com"},"password":"1mz050nq"}"#,
        headers: ["User-Agent": "Okta SCIM Client 1.0.0"])
      #expect(answer.status == 201)
      let all = entries(of: builder)
      let entry = try #require(all.first)
      #expect(all.count == 1)
      #expect(entry.workspace == builder.workspace)
      #expect(entry.token == builder.tokenID)
      #expect(entry.identityProvider == "okta")
      #expect((entry.method, entry.path, entry.query) == ("POST", "/api/v2/scim/Users", "attributes=userName"))
      #expect((entry.status, entry.scimType, entry.detail) == (201, nil, nil))
      #expect(!entry.normalisations.isEmpty)
      #expect((entry.resourceType, entry.name) == (.user, "ana@example.com"))
      #expect(entry.resource == builder.sentCommands.entries.first?.resource)
      #expect(entry.command == builder.sentCommands.entries.first?.id)
      #expect(entry.trace?.count == 32)
      #expect(entry.milliseconds > 0)
      guard case .whole(_, let removed)? = entry.body?.content else { throw MessageError.unknownType("body") }
      #expect(removed == ["password"])
      #expect(!String(decoding: entry.json(), as: UTF8.self).contains("1mz050nq"))
      #expect(!entry.isFailure)
    }
  }

  @Test("The first successful read of a sender is logged, so that connection tests are visible, and later ones are sampled")
  func reads() async throws {
    var builder = EdgeBuilder()
    builder.reads = StoredResources(users: [FoundResource(resource: EdgeBuilder.user("ana@example.com"), rows: [])])
    try await serving(builder) { [builder] client in
      let list = try await client.send("GET", "/Users")
      #expect(list.status == 200)
      #expect(try await client.send("GET", "/ServiceProviderConfig").status == 200)
      let search = #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}"#
      #expect(try await client.send("POST", "/Users/.search", search).status == 200)
      let all = entries(of: builder)
      #expect(all.map(\.method) == ["GET"] && all.map(\.path) == ["/api/v2/scim/Users"] && all.map(\.status) == [200])
      #expect(all.first?.token == builder.tokenID)
    }
  }

  struct Refused: Sendable {
    var status: Int
    var scimType: String? = nil
    var method = "POST"
    var path = "/Users"
    var body: String? = nil
    var headers: [String: String] = [:]
    var change: @Sendable (inout EdgeBuilder) -> Void = { _ in }
  }

  private static let gone = "/Users/6b1f7e0c-0000-4000-8000-000000000000"
  private static let refusals = [
    Refused(status: 400, scimType: "invalidSyntax", body: #"{"password":"1mz050nq""#),
    Refused(status: 400, scimType: "invalidValue", body: #"{"userName":""}"#),
    Refused(status: 400, scimType: "invalidFilter", method: "GET", path: "/Users?filter=userName%20eq"),
    Refused(status: 401, change: { $0.revokedAt = Date() }),
    Refused(status: 401, headers: ["Authorization": "unknown"]),
    Refused(status: 403, change: { $0.scopes = [.signIns] }),
    Refused(status: 403, change: { $0.settings.plan = .free }),
    Refused(status: 403, scimType: "sensitive", method: "GET", path: "/Users?access_token=abc"),
    Refused(status: 404, method: "GET", path: gone),
    Refused(status: 404, method: "GET", path: "/Robots"),
    Refused(status: 405, method: "DELETE", path: "/ServiceProviderConfig"),
    Refused(status: 406, method: "GET", headers: ["Accept": "text/xml"]),
    Refused(
      status: 409, scimType: "uniqueness", body: #"{"userName":"ana"}"#,
      change: { $0.reply = { _ in .refused(status: 409, error: SCIMError(status: 409, scimType: .uniqueness, detail: "taken").body()) } }),
    Refused(status: 413, body: #"{"userName":"\#(String(repeating: "x", count: 3000))"}"#, change: { $0.bodyLimit = 2000 }),
    Refused(status: 415, body: "<user/>", headers: ["Content-Type": "text/xml"]),
    Refused(
      status: 429, body: #"{"userName":"ana"}"#,
      change: { $0.reply = { _ in throw APIError.tooManyRequests("writes", of: "token", limit: 1) } }),
    Refused(status: 500, body: #"{"userName":"ana"}"#, change: { $0.reply = { _ in throw CocoaError(.fileNoSuchFile) } }),
    Refused(status: 503, body: #"{"userName":"ana"}"#, change: { $0.maximumInFlight = 0 }),
  ]

  @Test("A rejected request is logged with its error, without secrets", arguments: refusals.indices)
  func refusal(_ index: Int) async throws {
    let refused = Self.refusals[index]
    var builder = EdgeBuilder()
    refused.change(&builder)
    var headers = refused.headers
    if headers["Authorization"] != nil { headers["Authorization"] = "Bearer \(AccessToken.made(for: builder.workspace).text)" }
    try await serving(builder) { [builder, headers] client in
      let answer = try await client.send(refused.method, refused.path, refused.body, headers: headers)
      #expect(answer.status == refused.status)
      let entry = try #require(entries(of: builder).first)
      #expect((entry.status, entry.scimType) == (refused.status, refused.scimType))
      #expect(entry.detail == answer.detail)
      #expect(entry.isFailure)
      let text = String(decoding: entry.json(), as: UTF8.self)
      for secret in ["1mz050nq", "=abc", builder.token.text] { #expect(!text.contains(secret)) }
      #expect(Diagnosis(of: entry, DiagnosisContext()) != nil)
    }
  }

  @Test("Failed and relinking operations of a bulk request are logged with their own body and response")
  func bulk() async throws {
    var builder = EdgeBuilder()
    builder.reply = { command in
      guard case .bulk(let bulk) = command.operation else { return nil }
      return .bulk(bulk.operations.map { .written($0.resource, version: 1, created: true) })
    }
    let body = """
      {"schemas":["\(MessageSchema.bulkRequest)"],"Operations":[
        {"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"ana","password":"1mz050nq"}},
        {"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"","password":"1mz050nq"}},
        {"method":"PUT","path":"/Users/42","data":{"userName":"ben"}}]}
      """
    builder.reply = { [reply = builder.reply] command in
      guard case .bulk(let bulk) = command.operation else { return try await reply(command) }
      return .bulk(
        bulk.operations.map { operation in
          if case .refused(let status, let error) = operation.action { return .refused(status: status, error: error) }
          return .written(operation.resource, version: 3, created: true, relink: .reassigned)
        })
    }
    try await serving(builder) { [builder] client in
      let answer = try await client.send("POST", "/Bulk", body)
      #expect(answer.status == 200)
      let all = entries(of: builder)
      #expect(all.map(\.status) == [200, 201, 400, 404])
      #expect(all[0].operations == LogEntry.Operations(count: 3, failed: 2))
      #expect(all[1].relink == .reassigned && all[1].name == "ana" && all[1].resource != nil && !all[1].isFailure)
      #expect(all.dropFirst().allSatisfy { $0.bulk == all[0].id && $0.id != all[0].id })
      #expect((all[2].method, all[2].path, all[2].scimType) == ("POST", "/api/v2/scim/Users", "invalidValue"))
      #expect((all[3].method, all[3].path, all[3].name) == ("PUT", "/api/v2/scim/Users/42", "ben"))
      for entry in all { #expect(!String(decoding: entry.json(), as: UTF8.self).contains("1mz050nq")) }
    }
  }

  @Test("A partly applied write is logged with what was not applied, also in a bulk request")
  func partlyApplied() async throws {
    var builder = EdgeBuilder()
    let unapplied = Array(#"[{"path":"secodaRole","detail":"no role '1mz050nq'"}]"#.utf8)
    builder.reply = { command in
      if case .bulk(let bulk) = command.operation {
        return .bulk(bulk.operations.map { .written($0.resource, version: 2, created: false, unapplied: unapplied) })
      }
      var user = EdgeBuilder.user("ana@example.com", id: command.resource)
      user.unapplied = unapplied
      return .resource(user, created: false)
    }
    let put = #"{"userName":"ana@example.com","active":false,"secodaRole":"Owner","password":"1mz050nq"}"#
    try await serving(builder) { [builder] client async throws in
      #expect(try await client.send("PUT", Self.gone, put).status == 200)
      let bulk = #"{"schemas":["\#(MessageSchema.bulkRequest)"],"Operations":[{"method":"PUT","path":"\#(Self.gone)","data":\#(put)}]}"#
      #expect(try await client.send("POST", "/Bulk", bulk).status == 200)
      let all = entries(of: builder)
      #expect(all.map(\.method) == ["PUT", "POST", "PUT"] && all.map(\.status) == [200, 200, 200])
      for entry in [all[0], all[2]] {
        #expect(entry.unapplied == [UnappliedChange(path: "secodaRole", detail: "no role '(removed)'")])
        #expect(entry.isPartlyApplied && !entry.isFailure && entry.name == "ana@example.com")
      }
      #expect(all[1].operations == LogEntry.Operations(count: 1, failed: 0) && !all[1].isPartlyApplied)
      #expect(all[2].bulk == all[1].id)
    }
  }

  @Test("A full buffer drops entries without waiting, and holds none of unauthenticated senders")
  func bounds() throws {
    let quiet = Logger(label: "log") { _ in SwiftLogNoOpLogHandler() }
    let buffer = LogBuffer(maximumEntries: 3, logger: quiet)
    for _ in 0..<5 { buffer.append(try #require(Self.request(known: true))) }
    #expect(buffer.take(10).count == 3)
    let large = LogBuffer(maximumBytes: 100, logger: quiet)
    large.append(try #require(Self.request(known: true, bytes: 90)))
    large.append(try #require(Self.request(known: true, bytes: 90)))
    #expect(large.take(10).count == 1)
    let open = LogBuffer(logger: quiet)
    for _ in 0..<500 { open.append(try #require(Self.request(known: false))) }
    #expect(open.take(1000).isEmpty)
    open.append(try #require(Self.request(known: true)))
    #expect(open.take(1000).count == 1)
    open.close()
    open.append(try #require(Self.request(known: true)))
    #expect(open.take(1000).isEmpty)
  }

  private static let second = Date()

  private static func request(known: Bool, bytes: Int = 10) -> LoggedRequest? {
    let workspace = WorkspaceID.made(at: second)
    var fields = RequestInfo.Fields()
    fields.workspace = workspace
    if known { fields.token = .made(at: second) }
    fields.body = .json(["userName": "ana"], bytes: bytes)
    return LoggedRequest(
      at: second, duration: .milliseconds(1), workspace: workspace,
      head: .init(method: .post, scheme: nil, authority: nil, path: "/api/v2/scim/Users"), route: nil, status: 201, address: nil,
      fields: fields)
  }

  @Test("The process shuts down while Kafka is unavailable", .timeLimit(.minutes(10)))
  func shutdownWithoutKafka() async throws {
    let quiet = Logger(label: "log") { _ in SwiftLogNoOpLogHandler() }
    let buffer = LogBuffer(logger: quiet)
    let group = ServiceGroup(
      services: [
        LogShipping(buffer: buffer, source: "scim-api/test", producer: ClosureProducer { _ in try await Task.sleep(for: .seconds(300)) })
      ], logger: quiet)
    // Sending takes longer than the time limit of the test, so waiting for it fails the test.
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      buffer.append(try #require(Self.request(known: true)))
      try await eventually("the entry to be taken from the buffer") { buffer.isEmpty }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("Entries are sent in batches, the remaining ones at shutdown; entries that cannot be sent are dropped")
  func shipping() async throws {
    let quiet = Logger(label: "log") { _ in SwiftLogNoOpLogHandler() }
    let buffer = LogBuffer(logger: quiet)
    let sent = Mutex<[[OutgoingMessage]]>([])
    let fails = Atomic<Bool>(false)
    let failures = Atomic<Int>(0)
    let producer = ClosureProducer { messages in
      if fails.load(ordering: .relaxed) {
        failures.wrappingAdd(1, ordering: .relaxed)
        throw CocoaError(.fileNoSuchFile)
      }
      sent.withLock { $0.append(messages) }
    }
    let shipping = LogShipping(buffer: buffer, source: "scim-api/test", producer: producer)
    let group = ServiceGroup(services: [shipping], logger: quiet)
    // Before the service runs, so that they are sent in one batch on a slow machine as well.
    for _ in 0..<20 { buffer.append(try #require(Self.request(known: true))) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the entries to be sent") { sent.withLock { $0.flatMap { $0 }.count } == 20 }
      #expect(sent.withLock { $0.count } <= 2)
      let message = try #require(sent.withLock { $0.first?.first })
      #expect(message.topic == "provisioning.log")
      #expect(message.headers.contains { $0 == ("ce_type", LogEntry.eventType) })
      fails.store(true, ordering: .relaxed)
      buffer.append(try #require(Self.request(known: true)))
      try await eventually("the entry to be dropped") { failures.load(ordering: .relaxed) == 1 }
      fails.store(false, ordering: .relaxed)
      buffer.append(try #require(Self.request(known: true)))
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    #expect(sent.withLock { $0.flatMap { $0 }.count } == 21)
  }
}
