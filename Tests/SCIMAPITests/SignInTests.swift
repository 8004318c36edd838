import Foundation
import HTTPTypes
import Models
import SCIM
import SCIMStorage
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Sign-ins", .timeLimit(.minutes(5)))
struct SignInTests {
  private static let user = UserID.made(at: Date())

  private static func send(
    _ client: HTTPClient, _ body: String, wait: String? = "wait=5"
  ) async throws -> Answer {
    try await client.send(
      "POST", "", body, headers: wait.map { ["Prefer": $0] } ?? [:], base: ResourcePath.signIns)
  }

  /// A server whose identity-store answers sign-ins by address.
  private static func builder(_ outcomes: [String: SignInOutcome]) -> EdgeBuilder {
    var builder = EdgeBuilder()
    builder.reply = { command in
      guard case .promoteUser(let signIn) = command.operation, let outcome = outcomes[signIn.email ?? ""] else { return nil }
      let isKnown = outcome != .remembered && outcome != .unknownUser
      return .signIn(outcome, user: isKnown ? user : nil)
    }
    return builder
  }

  @Test(
    "A sign-in that is waited for gets its outcome, the user, and what to do",
    arguments: [
      (SignInOutcome.promoted, "promoted", "active"), (.alreadyActive, "already-active", "active"), (.disabled, "disabled", "disabled"),
      (.remembered, "remembered", nil), (.unknownUser, "unknown", nil),
    ] as [(SignInOutcome, String, String?)])
  func outcome(outcome: SignInOutcome, name: String, state: String?) async throws {
    let builder = Self.builder(["ana@example.com": outcome])
    try await serving(builder) { client in
      let answer = try await Self.send(client, #"{"email":"ana@example.com","method":"saml"}"#)
      #expect(answer.status == 200)
      #expect(answer.headers["preference-applied"] == "wait=5")
      #expect(answer.json["outcome"]?.string == name)
      #expect(answer.json["user"]?.object?["state"]?.string == state)
      #expect(answer.json["user"]?.object?["id"]?.string == state.map { _ in "\(Self.user)" })
      #expect(answer.json["advice"]?.string?.isEmpty == false)
    }
    let command = try #require(builder.sentCommands.entries.first)
    #expect(builder.sentCommands.entries.count == 1)
    #expect(command.workspace == builder.workspace && command.actor == .token(builder.tokenID))
    // The mailer stores the time of the last sign-in of an active user. Every other sign-in is processed once.
    #expect(builder.signIns.entries.map(\.email) == (outcome == .alreadyActive ? ["ana@example.com"] : []))
  }

  @Test("The response describes the user as stored")
  func profile() async throws {
    var builder = Self.builder(["ana@example.com": .promoted])
    builder.signedInUser = { id, _ in
      var user = SignedInUser(id: id, state: .active)
      user.userName = "ana@example.com"
      user.role = "editor"
      return user
    }
    try await serving(builder) { client in
      let user = try await Self.send(client, #"{"email":"ana@example.com"}"#).json["user"]?.object
      #expect(user?["userName"] == "ana@example.com" && user?["role"] == "editor")
    }
  }

  @Test(
    "Without an outcome in time, a sign-in is stored like one that nobody waits for",
    arguments: [nil, Reply.Outcome.done, .refused(status: 503, error: Array(#"{"detail":"late"}"#.utf8))] as [Reply.Outcome?])
  func noOutcome(reply: Reply.Outcome?) async throws {
    var builder = EdgeBuilder()
    builder.reply = { _ in reply }
    try await serving(builder) { client in
      let answer = try await Self.send(client, #"{"email":"ana@example.com"}"#)
      #expect(answer.status == 202)
      #expect(answer.headers["preference-applied"] == nil)
    }
    #expect(builder.signIns.entries.map(\.email) == ["ana@example.com"])
  }

  @Test("The wait ends even if identity-store does not answer")
  func endOfWait() async throws {
    var builder = EdgeBuilder()
    builder.reply = { _ in
      try await Task.sleep(for: .seconds(3600))
      return nil
    }
    try await serving(builder) { client in
      let answer = try await Self.send(client, #"{"email":"ana@example.com"}"#, wait: "wait=1")
      #expect(answer.status == 202)
    }
    #expect(builder.signIns.entries.count == 1)
  }

  @Test("Without a preference that is understood, nothing is waited for", arguments: [nil, "wait=0", "respond-async", "wait=soon", "wait"])
  func noPreference(preference: String?) async throws {
    let builder = Self.builder(["ana@example.com": .promoted])
    try await serving(builder) { client in
      let answer = try await Self.send(client, #"{"email":"ana@example.com"}"#, wait: preference)
      #expect(answer.status == 202)
    }
    #expect(builder.sentCommands.entries.isEmpty)
    #expect(builder.signIns.entries.count == 1)
  }

  @Test("A batch has one result for each sign-in, in their order, also for those without an outcome")
  func batch() async throws {
    let builder = Self.builder(["0@example.com": .promoted, "2@example.com": .disabled, "3@example.com": .remembered])
    try await serving(builder) { client in
      let items = (0..<4).map { #"{"email":"\#($0)@example.com"}"# }.joined(separator: ",")
      let answer = try await Self.send(client, #"{"signIns":[\#(items)]}"#)
      #expect(answer.status == 200)
      #expect(
        answer.json["results"]?.array?.map { $0.object?["outcome"]?.string } == ["promoted", "pending", "disabled", "remembered"])
    }
    #expect(builder.signIns.entries.map(\.email) == ["1@example.com"])
  }

  @Test("A refused sign-in is an error, but does not hide the outcomes of the others of its batch")
  func refusal() async throws {
    var builder = EdgeBuilder()
    builder.reply = { command in
      guard case .promoteUser(let signIn) = command.operation, signIn.email != "0@example.com" else {
        return .refused(status: 403, error: Array(#"{"detail":"This workspace is suspended."}"#.utf8))
      }
      return .signIn(.promoted, user: Self.user)
    }
    try await serving(builder) { client in
      let single = try await Self.send(client, #"{"email":"0@example.com"}"#)
      #expect(single.status == 403 && single.text.contains("suspended"))
      let batch = try await Self.send(client, #"{"signIns":[{"email":"0@example.com"},{"email":"1@example.com"}]}"#)
      #expect(batch.status == 200)
      #expect(batch.json["results"]?.array?.map { $0.object?["outcome"]?.string } == ["pending", "promoted"])
    }
  }

  @Test("A batch of 1,000 is processed, with and without waiting", arguments: [nil, "wait=30"])
  func largeBatch(preference: String?) async throws {
    let emails = (0..<SignInReport.maximum).map { "person-\($0)@example.com" }
    let builder = Self.builder(Dictionary(uniqueKeysWithValues: emails.map { ($0, SignInOutcome.promoted) }))
    try await serving(builder) { client in
      let body = #"{"signIns":[\#(emails.map { #"{"email":"\#($0)"}"# }.joined(separator: ","))]}"#
      let answer = try await Self.send(client, body, wait: preference)
      #expect(answer.status == (preference == nil ? 202 : 200))
      if preference != nil { #expect(answer.json["results"]?.array?.count == emails.count) }
    }
    if preference == nil {
      #expect(builder.signIns.entries.map(\.email) == emails)
    } else {
      #expect(builder.sentCommands.entries.count == emails.count)
    }
  }

  @Test(
    "An invalid batch is rejected as a whole, with the place of each error",
    arguments: [
      (#"{"signIns":[]}"#, []), (#"{"signIns":{}}"#, []), (#"{"signIns":[{"email":"a@b"}],"email":"c@d"}"#, []),
      (#"{"signIns":[{"email":"a@b"},{"email":"ana"},{},7]}"#, ["/signIns/1", "/signIns/2", "/signIns/3"]),
      (#"{"signIns":[{"email":"a@b","workspace":"another"}]}"#, ["/signIns/0"]),
    ] as [(String, [String])])
  func invalid(body: String, pointers: [String]) async throws {
    let builder = EdgeBuilder()
    try await serving(builder) { client in
      let answer = try await Self.send(client, body, wait: nil)
      #expect(answer.status == 400)
      #expect((answer.json["errors"]?.array ?? []).compactMap { $0.object?["pointer"]?.string } == pointers)
    }
    #expect(builder.signIns.entries.isEmpty)
  }

  @Test("More than 1,000 sign-ins in a body are rejected")
  func tooMany() throws {
    let items = Array(repeating: JSON.object(["email": "a@b"]), count: SignInReport.maximum + 1)
    let refusal = #expect(throws: APIError.self) { try SignInReport(.object(["signIns": .array(items)]), size: 100_000) }
    #expect(refusal?.error.detail.contains("1 to 1000") == true)
  }

  @Test("With a deployment-wide token each sign-in names its workspace, by id or slug, or the header names one for all")
  func deployment() async throws {
    var builder = EdgeBuilder()
    let token = builder.addDeploymentToken([.signIns])
    var settings = builder.settings
    settings.slug = "other"
    let other = NamedWorkspace(id: .made(at: Date()), settings: settings, version: 1)
    builder.otherWorkspaces = [other]
    try await serving(builder, token: token) { [builder] client in
      func send(_ items: String, header: String? = nil) async throws -> Answer {
        try await client.send(
          "POST", "", #"{"signIns":[\#(items)]}"#, headers: header.map { ["Rollcall-Workspace": $0] } ?? [:], base: ResourcePath.signIns)
      }
      let named = #"{"email":"a@b","workspace":"acme"},{"email":"c@d","workspace":"\#(other.id)"}"#
      #expect(try await send(named).status == 202)
      #expect(builder.signIns.entries.map(\.workspace) == [builder.workspace, other.id])
      let unnamed = try await send(#"{"email":"a@b"},{"email":"a@b","workspace":"unknown"},{"email":"a@b","workspace":"acme"}"#)
      #expect(unnamed.status == 400)
      #expect(unnamed.json["errors"]?.array?.compactMap { $0.object?["pointer"]?.string } == ["/signIns/0", "/signIns/1"])
      #expect(try await send(#"{"email":"a@b"}"#, header: "other").status == 202)
      #expect(builder.signIns.entries.last?.workspace == other.id)
      #expect(try await send(#"{"email":"a@b","workspace":"acme"}"#, header: "other").status == 400, "the request is about another one")
      let single = try await client.send("POST", "", #"{"email":"a@b","workspace":"unknown"}"#, base: ResourcePath.signIns)
      #expect(single.status == 404)
    }
    #expect(builder.signIns.entries.count == 3)
  }

  @Test(
    "The preference wait is read from all fields, and the first one counts",
    arguments: [
      (["wait=5"], 5), (["respond-async, wait=10"], 10), (["respond-async", "Wait = 7"], 7), (["wait=3, wait=4"], 3), (["wait=\"6\""], 6),
      (["wait=5; x=1"], 5), (["wait=-1"], nil), (["wait="], nil), (["waiting=5"], nil), ([], nil), (["wait=99999999999999999999"], .max),
    ] as [([String], Int?)])
  func preferences(fields: [String], wait: Int?) {
    var headers = HTTPFields()
    for field in fields { headers.append(HTTPField(name: .prefer, value: field)) }
    #expect(Preferences(headers).wait == wait)
  }
}
