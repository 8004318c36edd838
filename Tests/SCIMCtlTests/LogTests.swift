import Foundation
import Kafka
import Migrations
import Models
import ProvisioningLog
import SCIM
import Testing

@testable import ScimctlCommands

@Suite("The provisioning log in scimctl")
struct LogTests {
  private static let now = Date(timeIntervalSince1970: 1_769_850_000)

  private static func entry(_ status: Int, _ change: (inout LogEntry) -> Void = { _ in }) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: now), workspace: .made(at: now), at: now, method: "POST", path: "/api/v2/scim/Users", status: status, milliseconds: 1)
    entry.token = .made(at: now)
    change(&entry)
    return entry
  }

  @Test("log tail accepts filters")
  func selection() throws {
    let command = try #require(
      try Scimctl.parseAsRoot([
        "log", "tail", "-f", "--failed", "--user", "ana@example.com", "--since", "2h", "--status", "4xx", "--limit", "5", "--json",
      ]) as? TailLog)
    let selection = command.selection(at: Self.now)
    #expect(selection.failedOnly && command.follow && command.json)
    #expect(selection.subject == "ana@example.com")
    #expect(selection.since == Self.now - 7200)
    #expect(selection.status == 400...499)
    #expect(selection.limit == 5)
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["log", "tail", "--since", "yesterday"]) }
    #expect(throws: (any Error).self) { try Scimctl.parseAsRoot(["log", "show", "42"]) }
  }

  @Test(
    "Statuses are a number, a class or a range",
    arguments: [("404", 404...404), ("4xx", 400...499), ("400-403", 400...403), ("9xx", nil), ("500-400", nil), ("x", nil), ("", nil)]
      as [(String, ClosedRange<Int>?)])
  func statuses(_ text: String, _ range: ClosedRange<Int>?) {
    #expect(StatusRange(argument: text)?.range == range)
  }

  @Test("A POST that reused a disabled user's record is marked", arguments: Relink.allCases)
  func relink(_ relink: Relink) throws {
    let entry = Self.entry(201) { $0.relink = relink }
    #expect(LogRow.table(of: [LogRow(.init(entry: entry))]).lines[0].contains(relink.summary))
    #expect(
      LogEntryText.lines(entry, nil).contains { $0.hasPrefix("relink") && $0.contains(relink.rawValue) && $0.contains(relink.explanation) })
    #expect(try LogEntry(json: entry.json()) == entry)
  }

  @Test("An unverified sender is shown with its count and times, without a request")
  func unverifiedSender() throws {
    let entry = LogEntry(
      id: .made(at: Self.now), workspace: .made(at: Self.now),
      unverified: .init(requests: 12, firstAt: Self.now, lastAt: Self.now + 60), address: "203.0.113.7", detail: "not known")
    let lines = LogEntryText.lines(entry, Diagnosis(of: entry, DiagnosisContext())).joined(separator: "\n")
    for text in ["unverified", "12", "203.0.113.7", Timestamp.text(Self.now), Timestamp.text(Self.now + 60), "why:", "fix:"] {
      #expect(lines.contains(text), "\(lines)")
    }
    #expect(!lines.contains("identity-provider") && !lines.contains("milliseconds"))
    #expect(LogRow.table(of: [LogRow(.init(entry: entry))]).lines.first?.contains("unverified sender, 12 requests") == true)
    let failure = #expect(throws: ScimctlError.self) { try ReplayRequest.of(entry, force: true) }
    #expect(failure.map { "\($0)" }?.contains("never issued") == true)
  }

  @Test("A request is sent again unchanged, to the configured URL")
  func replay() throws {
    let edge = try #require(URL(string: "http://127.0.0.1:8080/api/v2/scim/?x=1"))
    let entry = Self.entry(409) {
      $0.query = "attributes=userName"
      $0.userAgent = "Okta SCIM Client 1.0.0"
      $0.ifMatch = "W/\"3\""
      $0.contentType = "application/json"
      $0.body = LoggedBody(bytes: 20, content: .whole(["userName": "ana"], removed: ["password"]))
    }
    let request = try ReplayRequest.of(entry, force: false)
    #expect(try request.url(at: edge).absoluteString == "http://127.0.0.1:8080/api/v2/scim/Users?attributes=userName")
    #expect(request.headers["User-Agent"] == "Okta SCIM Client 1.0.0")
    #expect(request.headers["If-Match"] == "W/\"3\"")
    #expect(request.headers["Content-Type"] == "application/json")
    #expect(request.body == Array(#"{"userName":"ana"}"#.utf8))
    #expect(request.scope == .scim)
    let signIn = Self.entry(400) { $0.path = "/api/v2/sign-ins" }
    #expect(try ReplayRequest.of(signIn, force: false).scope == .signIns)
  }

  @Test(
    "Requests that succeeded or were not stored completely are not sent again",
    arguments: [
      (entry(201), "--force"),
      (entry(413) { $0.body = LoggedBody(bytes: 9_000_000, content: .head(["userName": "ana"])) }, "9000000 bytes"),
      (entry(400) { $0.body = LoggedBody(bytes: 9, content: .none(reason: "it is not JSON")) }, "not JSON"),
      (entry(400) { $0.query = "access_token=(removed)" }, "secret"),
      (entry(400) { $0.body = LoggedBody(bytes: 9, content: .whole(["title": "rollcall_(removed)"], removed: [])) }, "access token"),
      (entry(400) { $0.body = LoggedBody(bytes: 9, content: .whole(["roles": ["(removed)"]], removed: ["roles"])) }, "secret"),
      (
        entry(409) {
          $0.bulk = $0.id
          $0.body = LoggedBody(bytes: 9, content: .whole(["manager": "bulkId:a"], removed: []))
        }, "bulk request"
      ),
      // The senders may not have had permission; the token of the second request was never issued.
      (entry(401) { $0.method = "DELETE" }, "before it was processed"),
      (entry(404) { ($0.method, $0.token) = ("DELETE", nil) }, "before it was processed"),
      (entry(429) { $0.token = nil }, "before it was processed"),
      (entry(403) { $0.method = "DELETE" }, "nobody knows whether its sender may"),
      (entry(429) { $0.method = "DELETE" }, "have the identity provider send it again"),
    ])
  func refused(_ entry: LogEntry, _ reason: String) throws {
    let failure = try #require(throws: ScimctlError.self) { try ReplayRequest.of(entry, force: false) }
    #expect(failure.message.contains(reason))
  }

  @Test("A failure is shown with its reason and fix")
  func text() throws {
    let entry = Self.entry(404) {
      $0.detail = "gone\u{1B}[2J"
      $0.resourceType = .user
      $0.body = LoggedBody(bytes: 20, content: .whole(["userName": "ana"], removed: ["password"]))
    }
    let diagnosis = try #require(Diagnosis(of: entry, DiagnosisContext()))
    let text = LogEntryText.lines(entry, diagnosis).joined(separator: "\n")
    for part in ["404", "POST /api/v2/scim/Users", "gone?[2J", "without password", "\"userName\" : \"ana\"", "why:", "fix:"] {
      #expect(text.contains(part))
    }
    #expect(LogEntryText.json(entry, diagnosis).contains(#""cause":"wrongURL""#))
  }

  @Test("A partly applied request is shown with the attributes that were not applied")
  func partlyApplied() throws {
    let entry = Self.entry(200) { $0.unapplied = [UnappliedChange(path: "title", detail: "title must be a string, found 5.\u{1B}[2J")] }
    let text = LogEntryText.lines(entry, nil).joined(separator: "\n")
    #expect(text.contains("partly applied") && text.contains("title: title must be a string, found 5.?[2J"))
    #expect(LogRow.table(of: [LogRow(.init(entry: entry))]).lines.joined().contains("partly applied, without title"))
    #expect(try LogEntry(json: entry.json()) == entry)
  }
}

@Suite("Checks of scimctl doctor")
struct DoctorTests {
  private static let now = Date(timeIntervalSince1970: 1_769_850_000)

  @Test("A consumer group is assessed by its progress")
  func groups() {
    func at(_ committed: Int64?, _ high: Int64) -> [TopicPartition: ClusterInspection.Position] {
      [TopicPartition(topic: "t", partition: 0): .init(committed: committed, low: 0, high: high)]
    }
    func assess(_ before: [TopicPartition: ClusterInspection.Position], _ after: [TopicPartition: ClusterInspection.Position]) -> Finding {
      KafkaCheck.assess("group-sync", "group-sync", before, after)
    }
    #expect(assess(at(5, 5), at(5, 5)).status == .ok)
    #expect(assess(at(5, 9), at(7, 9)).status == .ok)
    #expect(assess(at(5, 90_000), at(7, 90_000)).status == .warn)
    let stuck = assess(at(5, 9), at(5, 9))
    #expect(stuck.status == .fail)
    #expect(stuck.message.contains("4 messages"))
    #expect(stuck.fix?.contains("ops/restart group-sync") == true)
    #expect(assess(at(nil, 3), at(nil, 3)).status == .fail)
    #expect(assess(at(nil, 0), at(nil, 0)).status == .ok)
    // The message arrived during the check.
    #expect(assess(at(5, 5), at(5, 6)).status == .ok)
  }

  @Test("A consumer group whose messages were deleted before it read them fails")
  func skipped() {
    func assess(_ committed: Int64, _ low: Int64, _ high: Int64, topic: String = "identity.events") -> Finding {
      let position = [TopicPartition(topic: topic, partition: 0): ClusterInspection.Position(committed: committed, low: low, high: high)]
      return KafkaCheck.assess("group-sync", "group-sync", position, position)
    }
    // Retention deleted the remaining messages, or the topic was created again.
    for finding in [assess(5, 9, 9), assess(5, 0, 0)] {
      #expect(finding.status == .fail)
      #expect(finding.fix?.contains("scimctl rebuild") == true)
    }
    #expect(assess(5, 9, 9, topic: "provisioning.log").status == .fail)
    #expect(assess(9, 9, 9).status == .ok)
  }

  @Test("Skipped messages fail until the state has been published again")
  func skippedMessages() {
    func assess(_ topic: Topic, isRebuilt: Bool?, after seconds: Double = 60) -> Finding? {
      DatabaseCheck.skipped(
        .init(consumer: "group-sync", topic: topic.name, noticedAt: Self.now - seconds, partitions: 2, isRebuilt: isRebuilt), at: Self.now)
    }
    let open = assess(.identityEvents, isRebuilt: false, after: 90_000)
    #expect(open?.status == .fail)
    #expect(open?.fix?.contains("scimctl rebuild") == true)
    #expect(assess(.identityEvents, isRebuilt: true)?.status == .ok)
    #expect(assess(.signInEvents, isRebuilt: nil)?.fix?.contains("/api/v2/sign-ins") == true)
    #expect(assess(.signInEvents, isRebuilt: nil, after: 90_000) == nil)
  }

  @Test("Every topic that a service creates is checked")
  func everyTopic() {
    #expect(KafkaCheck.topics.count == 13)
    for service in ["scim-api", "identity-store", "invitation-mailer", "group-sync"] {
      #expect(!Topic.used(by: service).isEmpty)
      #expect(Topic.used(by: service).allSatisfy(KafkaCheck.topics.contains))
    }
    #expect(KafkaCheck.deadLetters.allSatisfy(KafkaCheck.topics.contains))
    for group in KafkaCheck.groups { #expect(group.topics.allSatisfy(Topic.used(by: group.service).contains)) }
  }

  @Test("A topic is compared with its required settings")
  func topics() throws {
    let check = KafkaCheck(
      inspection: try ClusterInspection(KafkaConfiguration(bootstrapServers: "127.0.0.1:1", clientID: "test"), logger: .init(label: "t")),
      brokers: "kafka:9092", partitions: 3)
    let topic = Topic.provisioningLog
    let good = ["retention.ms": "604800000", "max.message.bytes": "-1"]
    #expect(check.topic(of: topic, .init(partitions: 3, settings: good)).isEmpty)
    let missing: Finding = try #require(check.topic(of: topic, nil).first)
    #expect(missing.status == .fail)
    #expect(missing.fix?.contains("--create --topic provisioning.log --partitions 3 --config retention.ms=604800000") == true)
    let short = try #require(check.topic(of: topic, .init(partitions: 3, settings: ["retention.ms": "1000"])).first)
    #expect(short.status == .fail)
    #expect(short.fix?.contains("--add-config retention.ms=604800000") == true)
    #expect(check.topic(of: topic, .init(partitions: 1, settings: good)).map(\.status) == [.warn])
    let more = check.topic(of: topic, .init(partitions: 6, settings: good))
    #expect(more.map(\.status) == [.warn])
    #expect(more.first?.fix?.contains("ROLLCALL_TOPIC_PARTITIONS=6") == true)
  }

  @Test("Findings about schemas, outbox, templates and clocks name a fix")
  func database() {
    let supported = SchemaRange(schema: "identity", oldest: 4, newest: 5)
    func finding(_ number: Int, lastContract: Int = 3) -> Finding {
      DatabaseCheck.schema(supported, found: SchemaVersion(number: number, lastContract: lastContract))
    }
    #expect(finding(5).status == .ok)
    #expect(finding(3).status == .fail && finding(3).fix?.contains("scimctl migrate") == true)
    #expect(finding(4).status == .warn)
    #expect(finding(6).status == .ok)
    #expect(finding(6, lastContract: 6).status == .fail)
    #expect(DatabaseCheck.outbox(of: "group-sync", waiting: 0, age: 0).status == .ok)
    #expect(DatabaseCheck.outbox(of: "group-sync", waiting: 9, age: 1).status == .ok)
    #expect(DatabaseCheck.outbox(of: "group-sync", waiting: 9, age: 20).status == .warn)
    let failure = DatabaseCheck.outbox(of: "group-sync", waiting: 9, age: 120)
    #expect(failure.status == .fail && failure.message.contains("group-sync") && failure.fix?.contains("restart group-sync") == true)
    #expect(DatabaseCheck.templates(missing: []).map(\.status) == [.ok])
    let lost = DatabaseCheck.templates(missing: [("acme", "de")])
    #expect(lost.map(\.status) == [.warn])
    #expect(lost.first?.fix?.contains("template import --workspace acme") == true)
    #expect(DatabaseCheck.clock(difference: 0.01, "Its").status == .ok)
    #expect(DatabaseCheck.clock(difference: -10, "Its").status == .warn)
    #expect(DatabaseCheck.clock(difference: 100, "Its").status == .fail)
  }

  @Test("Each table with a partition for each day needs those of today and tomorrow")
  func partitions() {
    let tables = ["provisioning_log", "events", "webhook_deliveries"]
    func partitions(_ days: [String]) -> [PartitionCheck.Partition] {
      tables.flatMap { table in days.map { PartitionCheck.Partition(table: table, name: "\(table)_\($0)") } }
    }
    let complete = PartitionCheck.findings(partitions(["20260130", "20260131", "20260201"]), at: Self.now)
    #expect(complete.map(\.check) == ["log-partitions", "event-partitions", "delivery-partitions"])
    #expect(complete.allSatisfy { $0.status == .ok })
    let ends = PartitionCheck.findings(partitions(["20260131"]), at: Self.now)
    #expect(ends.map(\.status) == [.fail, .warn, .warn])
    for (table, finding) in zip(tables, ends) {
      #expect(finding.message.contains("no partition \(table)_20260201:"), "\(finding.message)")
    }
    let without = PartitionCheck.findings([], at: Self.now)
    #expect(without.allSatisfy { $0.message.contains("_20260131 and ") && $0.fix != nil })
  }

  @Test("A finding is printed as text or JSON")
  func output() async throws {
    #expect(Finding.fail("mail", "gone\n", fix: "x").lines == ["fail  mail: gone?", "      fix: x"])
    #expect(Finding.ok("mail", "there").json == #"{"check":"mail","status":"ok","message":"there"}"#)
  }
}
