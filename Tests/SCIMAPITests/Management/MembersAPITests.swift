import Foundation
import Models
import Postgres
import ProvisioningLog
import SCIM
import Testing

@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ScimAPI

@Suite("Members in the management API", .timeLimit(.minutes(10)))
struct MembersAPITests {
  @Test("Members are listed by state in pages, by name or newest first, and found by the start of a name")
  func lists() async throws {
    let bench = try await ManagementBench.start()
    let ids = try await bench.store.insertUsers(["ana", "ben", "cleo", "dora", "eve"])
    try await bench.store.write("update identity.users set state = 'active' where id = $1", [.uuid(ids[4].uuid)])
    try await bench.store.insertInvitation(of: ids[0].user, state: "sent", at: "2026-01-03Z")
    try await bench.serving { client in
      let byName = try await client.all("/members?state=invited", "members", limit: 2)
      // Those with a display name sort by it.
      #expect(byName.texts("userName") == ["ben@example.com", "dora@example.com", "ana@example.com", "cleo@example.com"])
      #expect(byName[2]["invitation"]?.object?["state"] == "sent")
      #expect(byName[0]["invitation"] == nil)
      let newest = try await client.all("/members?state=invited&order=newest", "members", limit: 3)
      #expect(newest.texts("id") == ids.prefix(4).reversed().map { "\($0)" })
      #expect(try await client.get("/members").items("members").texts("id") == ["\(ids[4])"], "active ones by default")
      let found = try await client.get("/members?q=BEN")
      #expect(found.items("members").texts("id") == ["\(ids[1])"])
      #expect(found.json["isComplete"] == true)
      #expect(try await client.get("/members?q=name&limit=1").json["isComplete"] == false)
      #expect(try await client.get("/members?q=eve&state=invited").items("members").isEmpty)
      // By the whole name, in any state.
      for (name, id) in [("EVE@example.com", ids[4]), ("ana@example.com", ids[0])] {
        #expect(try await client.get("/members?name=\(name)").items("members").texts("id") == ["\(id)"])
      }
      #expect(try await client.get("/members?name=an").items("members").isEmpty)
    }
    await bench.store.close()
  }

  /// Requests with an invalid parameter, and a part of the error.
  private static let badParameters = [
    ("/members?state=gone", "invited, active, disabled"), ("/members?order=age", "name, newest"), ("/members?limit=0", "from 1 to 200"),
    ("/members?limit=many", "whole number"), ("/members?cursor=abc", "cursor"), ("/members?stat=invited", "There is no parameter 'stat'"),
    ("/members?q=a&order=name", "Leave out order"), ("/members?q=a&cursor=b", "Leave out cursor"), ("/members?q=%00", "U+0000"),
    ("/members?name=a&state=active", "Leave out state"), ("/members?name=a&q=b", "Leave out q"), ("/invitations?state=x", "scheduled"),
    ("/invitations?member=ana", "expected an id"), ("/audit?since=now", "2026-01-31T08:00:00Z"), ("/ids?prefix=01a2", "of is missing"),
    ("/ids?of=users&prefix=01a2", "members"), ("/ids?of=members", "first 4"), ("/ids?of=members&prefix=01", "first 4"),
    ("/directory/differences?limit=1", "There is no parameter 'limit'"),
    ("/groups?name=a", "There is no parameter 'name'"), ("/audit?rejected=yes", "true or false"),
    ("/receipts?member=ana", "expected an id"),
    ("/held-changes?status=open", "pending, decided"), ("/provisioning-log?cause=bad", "staleUser"),
    ("/provisioning-log?since=yesterday", "2026-01-31T08:00:00Z"),
    ("/provisioning-log?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", "later than until"),
    ("/health?x=1", "Leave it out"), ("/webhooks?url=x", "There is no parameter 'url'"), ("/rebuilds?state=x", "There is no parameter"),
  ]

  @Test("Parameters are validated, and unknown ones rejected")
  func parameters() async throws {
    let bench = try await ManagementBench.start()
    try await bench.serving { client in
      for (path, words) in Self.badParameters {
        let answer = try await client.get(path)
        #expect(answer.status == 400, "\(path): \(answer.text)")
        #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
        #expect(answer.detail.contains(words), "\(path): \(answer.text)")
      }
    }
    await bench.store.close()
  }

  @Test("A cursor is valid for the same list, the same filters and the same workspace only")
  func cursors() async throws {
    let bench = try await ManagementBench.start()
    _ = try await bench.store.insertUsers(["ana", "ben"])
    _ = try await bench.store.insertGroups(["Data", "Sales"])
    try await bench.serving { client in
      let cursor = try #require(try await client.get("/members?state=invited&limit=1").json["nextCursor"]?.string)
      for path in ["/members?state=active", "/members?state=invited&order=newest", "/groups", "/receipts"] {
        let answer = try await client.get("\(path)\(path.contains("?") ? "&" : "?")cursor=\(cursor)")
        #expect(answer.status == 400 && answer.problem == "invalid-cursor", "\(path): \(answer.text)")
      }
      #expect(try await client.get("/members?state=invited&limit=200&cursor=\(cursor)").items("members").count == 1)
    }
    await bench.store.close()
  }

  @Test("A member is shown with groups, invitations, the SCIM resource and, while invited, the sign-in link")
  func show() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let ids = try await store.insertUsers(["ana", "ben"])
    let groups = try await store.insertGroups(["Data"])
    try await store.insertMembership(group: groups[0], user: ids[0])
    try await store.insertInvitation(of: ids[0].user, state: "sent", at: "2026-01-03Z")
    try await store.write(
      "update identity.users set state = 'active', first_signed_in_at = '2026-01-05Z' where id = $1", [.uuid(ids[1].uuid)])
    try await bench.serving { client in
      let ana = try await client.get("/members/\(ids[0])")
      #expect(ana.status == 200, "\(ana.text)")
      #expect(ana.headers["cache-control"] == "no-store")
      #expect(ana.json["userName"] == "ana@example.com" && ana.json["state"] == "invited" && ana.json["externalId"] == "ext-ana")
      #expect(ana.json["groups"]?.array?.first?.object?["displayName"] == "Data")
      #expect(ana.json["hasMoreGroups"] == false)
      #expect(ana.json["invitations"]?.array?.first?.object?["reason"] == "of the test")
      #expect(ana.json["signInLink"] == "https://acme.example/sign-in")
      #expect(ana.json["resource"]?.object?["userName"] == "ana@example.com")
      let ben = try await client.get("/members/\(ids[1])")
      #expect(ben.json["signInLink"] == nil && ben.json["firstSignedInAt"] == "2026-01-05T00:00:00.000Z", "\(ben.text)")
      #expect(ben.json["lastSignedInAt"] == "2026-01-05T00:00:00.000Z")
    }
    await store.close()
  }

  @Test("The timeline is returned in pages, also for a deleted member, whose page says what remains")
  func timeline() async throws {
    let bench = try await ManagementBench.start()
    let store = bench.store
    let ana = try await store.insertUsers(["ana"])[0].user
    for day in 2...5 { try await store.insertInvitation(of: ana, state: "sent", at: "2026-01-0\(day)Z") }
    try await store.write("update identity.users set created_at = '2026-01-01Z' where id = $1", [.uuid(ana.uuid)])
    let gone = ResourceID.made(at: Date())
    try await store.insertTombstone(of: gone, named: "ana")
    try await bench.serving { client in
      let events = try await client.all("/members/\(ana)/timeline", "events", limit: 2)
      #expect(events.texts("type") == ["invitation", "invitation", "invitation", "invitation", "added"])
      #expect(events.texts("at").first == "2026-01-05T00:00:00.000Z")
      let deleted = try await client.get("/members/\(gone)")
      #expect(deleted.status == 410 && deleted.problem == "deleted-member", "\(deleted.text)")
      #expect(deleted.detail.contains("/members/\(gone)/timeline"))
      #expect(try await client.get("/members/\(gone)/timeline").items("events").texts("type") == ["deleted"])
      for id in ["\(UserID.made(at: Date()))", "ana"] {
        for path in ["/members/\(id)", "/members/\(id)/timeline"] {
          let answer = try await client.get(path)
          #expect(answer.status == 404 && answer.problem == "unknown-resource", "\(path): \(answer.text)")
        }
      }
    }
    await store.close()
  }

  @Test("Orders about an invitation are commands of the token, in the workspace of the path")
  func orders() async throws {
    let bench = try await ManagementBench.start()
    let user = UserID.made(at: Date())
    for token in [bench.token, bench.deploymentToken] {
      try await bench.serving(token: token) { client in
        #expect(try await client.post("/members/\(user)/invitation/resend").status == 202)
        #expect(try await client.post("/members/\(user)/invitation/revoke", "{}").status == 202)
        #expect(try await client.post("/members/ana/invitation/revoke").status == 404)
        let unknown = try await client.post("/members/\(user)/invitation/resend", #"{"language":"de"}"#)
        #expect(unknown.status == 400 && unknown.json["errors"]?.array?.first?.object?["pointer"] == "/language", "\(unknown.text)")
      }
    }
    let commands = bench.builder.sentCommands.entries
    let expected: [Command.Operation] = [.orderInvitation(.resend(user)), .orderInvitation(.revoke(user))]
    #expect(commands.map(\.operation) == expected + expected)
    #expect(commands.allSatisfy { $0.workspace == bench.workspace && $0.resource == user.resource })
    #expect(commands.first?.actor == .token(bench.tokenID))
    #expect(commands.last?.actor.rawValue.hasPrefix("deployment-token:") == true)
    await bench.store.close()
  }

  @Test("The refusal of a command is returned as problem details")
  func refusal() async throws {
    var bench = try await ManagementBench.start()
    bench.builder.reply = { _ in
      .refused(status: 404, error: SCIMError(status: 404, scimType: nil, detail: "User not found.").body())
    }
    try await bench.serving { client in
      let answer = try await client.post("/members/\(UserID.made(at: Date()))/invitation/resend")
      #expect(answer.status == 404 && answer.detail == "User not found.", "\(answer.text)")
      #expect(answer.headers["content-type"] == ProblemDetails.mediaType)
    }
    await bench.store.close()
  }

  @Test("The same request with the same idempotency key sends the same command")
  func idempotency() async throws {
    let bench = try await ManagementBench.start()
    let user = UserID.made(at: Date())
    try await bench.serving { client in
      for key in ["key-number-1", "key-number-1", "key-number-2"] {
        let answer = try await client.post("/members/\(user)/invitation/resend", headers: ["Idempotency-Key": key])
        #expect(answer.status == 202, "\(answer.text)")
      }
      #expect(try await client.post("/members/\(user)/invitation/resend", headers: ["Idempotency-Key": "short"]).status == 400)
    }
    let ids = bench.builder.sentCommands.entries.map(\.id)
    #expect(ids.count == 3 && ids[0] == ids[1] && ids[1] != ids[2])
    await bench.store.close()
  }
}
