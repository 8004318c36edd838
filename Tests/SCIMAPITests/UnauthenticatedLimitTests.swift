import Credentials
import Foundation
import Models
import ProvisioningLog
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Requests without a known credential", .timeLimit(.minutes(10)))
struct UnauthenticatedLimitTests {
  struct Sent: Sendable, CustomTestStringConvertible {
    var method = "GET"
    var path: String
    var body = ""
    var headers: [String: String] = [:]
    var status: Int

    var testDescription: String { "\(method) \(path)" }
  }

  private static let sent = [
    Sent(path: "/nothing", status: 404), Sent(path: "/api/v2/scim/Robots", status: 404), Sent(path: "/", status: 404),
    Sent(method: "OPTIONS", path: "/api/v2/scim/Users", status: 204), Sent(method: "OPTIONS", path: "/nothing", status: 404),
    Sent(method: "DELETE", path: "/api/v2/scim/Schemas", status: 405), Sent(path: "/api/v2/scim/ServiceProviderConfig", status: 401),
    Sent(path: "/api/v2/scim/Users", headers: ["Authorization": "Basic YTpi"], status: 401),
    Sent(path: "/api/v2/scim/Users?token=abc", status: 403), Sent(path: "/api/v2/scim/Users", headers: ["Host": ".."], status: 400),
    Sent(path: "/console", status: 303), Sent(path: "/console/members", status: 303), Sent(path: "/console/sign-in", status: 200),
    Sent(path: "/console/nothing", status: 404),
    Sent(
      method: "POST", path: "/api/v2/oauth/token", body: "grant_type=client_credentials",
      headers: ["Content-Type": "application/x-www-form-urlencoded"], status: 401),
    Sent(method: "GET", path: "/api/v2/oauth/token", status: 405),
    Sent(path: "/api/v2/scim/Users?filter=\(String(repeating: "x", count: 9000))", status: 414),
  ]

  @Test("count against the limit of their address, whatever the path", arguments: sent)
  func counted(_ sent: Sent) async throws {
    var builder = EdgeBuilder()
    builder.signingKeys = [try EdgeBuilder.signingKey()]
    builder.consoleStore = ConsoleStore(workspace: builder.workspace, settings: builder.settings)
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 2)
    try await serving(builder) { client in
      // The token is known from now on.
      #expect(try await client.send("GET", "/Schemas").status == 200)
      for status in [sent.status, sent.status, 429] {
        let answer = try await client.sendRaw(sent.method, sent.path, sent.body, headers: sent.headers)
        #expect(answer.status == status, "\(answer.text)")
        if status == 429 { #expect((900...1000).contains(answer.headers["retry-after"].flatMap { Int($0) } ?? 0)) }
      }
      // Other requests from the address are rejected as well, except those with a known token.
      #expect(try await client.sendRaw("GET", "/other", "", headers: [:]).status == 429)
      #expect(try await client.send("GET", "/Schemas").status == 200)
      // A wrong path with a known token counts against the token's limit.
      #expect(try await client.send("GET", "/Robots").status == 404)
    }
  }

  @Test("count if they are not valid HTTP")
  func malformed() async throws {
    var builder = EdgeBuilder()
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 2)
    try await serving(builder) { client in
      for status in [400, 400, 429] {
        let text = try await client.exchange("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
        #expect(text.contains("Retry-After") == (status == 429))
      }
    }
  }

  @Test("for public keys, metadata and the console's style sheet have their own, higher limit")
  func publicReads() async throws {
    var builder = EdgeBuilder()
    builder.signingKeys = [try EdgeBuilder.signingKey()]
    builder.consoleStore = ConsoleStore(workspace: builder.workspace, settings: builder.settings)
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 1)
    builder.rates.publicRead = Rate(perSecond: 0.001, burst: 6)
    try await serving(builder) { client async throws in
      for path in [OAuthController.keysPath, OAuthController.metadataPath, ConsoleAssets.style.path] {
        for _ in 0..<2 { #expect(try await client.sendRaw("GET", path, "", headers: [:]).status == 200) }
      }
      #expect(try await client.sendRaw("GET", OAuthController.keysPath, "", headers: [:]).status == 429)
      // Public reads do not count against the limit of guesses.
      #expect(try await client.sendRaw("GET", "/nothing", "", headers: [:]).status == 404)
    }
  }

  @Test("with a valid token and a wrong path count against the token and are logged, and do not limit the address")
  func wrongBaseURL() async throws {
    var builder = EdgeBuilder()
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 1)
    try await serving(builder) { [builder] client async throws in
      for _ in 0..<4 { #expect(try await client.send("GET", "/Users", base: "/scim/v1").status == 404) }
      #expect(try await client.send("OPTIONS", "/Users").status == 204)
      let entries = builder.log.take(10).flatMap { $0.entries() }
      #expect(entries.map(\.status) == [404, 404, 404, 404])
      #expect(entries.allSatisfy { $0.token == builder.tokenID })
      #expect(try await client.sendRaw("GET", "/nothing", "", headers: [:]).status == 404)
    }
  }

  // MARK: - The provisioning log

  private static let address = "127.0.0.1"

  @Test("with tokens that were never issued are one log entry, without provider or content of the requests")
  func forgedTokens() async throws {
    let builder = EdgeBuilder()
    try await serving(builder) { [builder] client in
      let agent = ["User-Agent": "Okta SCIM Client 1.0.0"]
      for number in 0..<5 {
        let forger = HTTPClient(port: client.port, token: AccessToken.made(for: builder.workspace).text)
        #expect(try await forger.send("POST", "/Users", #"{"userName":"forged"}"#, headers: agent).status == 401)
        #expect(try await forger.send("GET", "/Users/forged\(number)", headers: agent).status == 401)
        #expect(try await forger.send("GET", "/forged", headers: agent, base: "/nothing").status == 404)
      }
      #expect(builder.log.take(100).isEmpty)
      let entries = builder.log.takeUnverified()
      // One for each hour: a full hour may have passed between two of the requests.
      #expect(entries.count == Set(entries.map { Int($0.at.timeIntervalSince1970) / 3600 }).count)
      #expect(entries.reduce(0) { $0 + ($1.unverified?.requests ?? 0) } == 15)
      let entry = try #require(entries.max { ($0.unverified?.requests ?? 0) < ($1.unverified?.requests ?? 0) })
      let requests = try #require(entry.unverified?.requests)
      #expect(entry.workspace == builder.workspace)
      #expect(entry.address == Self.address)
      #expect(entry.unverified.map { $0.firstAt <= $0.lastAt && $0.firstAt == entry.at } == true)
      #expect((entry.token, entry.identityProvider, entry.userAgent, entry.name) == (nil, nil, nil, nil))
      #expect((entry.body, entry.query, entry.resource) == (nil, nil, nil))
      #expect(!String(decoding: entry.json(), as: UTF8.self).lowercased().contains("forged"))
      #expect(!String(decoding: entry.json(), as: UTF8.self).contains("Okta"))
      let diagnosis = try #require(Diagnosis(of: entry, DiagnosisContext()))
      #expect(diagnosis.cause == .tokenUnknown)
      #expect(diagnosis.explanation.contains("\(requests) requests from 127.0.0.1"))
      #expect(throws: ReplayRequest.Obstacle.unverified) { try ReplayRequest(entry) }
    }
  }

  @Test("with a token that was not looked up are not logged as unverified")
  func notLookedUp() async throws {
    var builder = EdgeBuilder()
    builder.rates.unauthenticated = Rate(perSecond: 0.001, burst: 1)
    try await serving(builder) { [builder] client async throws in
      #expect(try await client.sendRaw("GET", "/nothing", "", headers: [:]).status == 404)
      // The token may be valid.
      #expect(try await client.send("GET", "/Schemas").status == 429)
      #expect(builder.log.takeUnverified(all: true).isEmpty)
    }
  }

  @Test("are counted by workspace, address and hour; an entry is sent immediately and updated while its count increases")
  func aggregation() throws {
    var senders = UnverifiedSenders()
    let start = Date(timeIntervalSince1970: 1_800_000_000)
    let (one, other) = (WorkspaceID.made(at: start), WorkspaceID.made(at: start))
    #expect(senders.record(one, from: "10.0.0.1", at: start) == true)
    #expect(senders.record(other, from: "10.0.0.1", at: start) == true)
    #expect(senders.record(one, from: "10.0.0.2", at: start) == true)
    let first = senders.take(at: start, all: false)
    #expect(first.map { $0.unverified?.requests } == [1, 1, 1])
    #expect(Set(first.map(\.id)).count == 3)
    // The entry is updated at most once a minute.
    for second in 1...10 { #expect(senders.record(one, from: "10.0.0.1", at: start + Double(second)) == false) }
    #expect(senders.take(at: start + 10, all: false).isEmpty)
    let later = senders.take(at: start + 61, all: false)
    let updated = try #require(later.first)
    #expect(later.count == 1)
    #expect(first.contains { $0.id == updated.id })
    #expect(updated.unverified == LogEntry.UnverifiedSender(requests: 11, firstAt: start, lastAt: start + 10))
    // Another hour has another entry, and the former hour is discarded.
    #expect(senders.record(one, from: "10.0.0.1", at: start + 3600) == true)
    let next = senders.take(at: start + 3600, all: false)
    #expect(next.count == 1)
    #expect(next.first?.id != updated.id)
    #expect(!senders.isDue(at: start + 3601))
  }

  @Test("use bounded memory: addresses beyond a few dozen are counted together")
  func bounds() {
    var senders = UnverifiedSenders(maximum: 200)
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let (one, other) = (WorkspaceID.made(at: now), WorkspaceID.made(at: now))
    for number in 0..<10_000 { #expect(senders.record(one, from: "10.0.\(number / 256).\(number % 256)", at: now) != nil) }
    #expect(senders.record(other, from: "10.0.0.1", at: now) == true)
    let entries = senders.take(at: now, all: true)
    #expect(entries.count == UnverifiedSenders.maximumAddresses + 2)
    #expect(entries.compactMap { $0.unverified?.requests }.reduce(0, +) == 10_001)
    #expect(entries.count { $0.address == nil } == 1)
    for _ in 0..<500 { _ = senders.record(.made(at: now), from: "10.0.0.1", at: now) }
    #expect(senders.record(.made(at: now), from: "10.0.0.1", at: now) == nil)
    #expect(senders.take(at: now, all: true).count < 200)
  }
}
