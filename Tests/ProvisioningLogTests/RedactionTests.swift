import Credentials
import Foundation
import Models
import SCIM
import Testing

@testable import ProvisioningLog

@Suite("Redaction of logged requests")
struct RedactionTests {
  @Test(
    "Secrets are removed from the body, at any position",
    arguments: [
      (#"{"userName":"ana","password":"1mz050nq"}"#, #"{"userName":"ana"}"#),
      (#"{"userName":"ana","PassWord":"1mz050nq"}"#, #"{"userName":"ana"}"#),
      (#"{"urn:ietf:params:scim:schemas:core:2.0:User":{"password":"1mz050nq"}}"#, #"{"urn:ietf:params:scim:schemas:core:2.0:User":{}}"#),
      (#"{"urn:ietf:params:scim:schemas:core:2.0:User:password":"1mz050nq"}"#, "{}"),
      (
        #"{"Operations":[{"op":"replace","path":"password","value":"1mz050nq"}]}"#,
        #"{"Operations":[{"op":"replace","path":"password","value":"(removed)"}]}"#
      ),
      (
        #"{"Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","VALUE":"1mz050nq"}]}"#,
        #"{"Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","VALUE":"(removed)"}]}"#
      ),
      (
        #"{"Operations":[{"op":"remove","path":"password[value eq \"1mz050nq\"]"}]}"#,
        #"{"Operations":[{"op":"remove","path":"password"}]}"#
      ),
      (
        #"{"Operations":[{"op":"add","value":{"password":"1mz050nq","active":true}}]}"#,
        #"{"Operations":[{"op":"add","value":{"active":true}}]}"#
      ),
      (
        #"{"Operations":[{"method":"POST","path":"/Users","data":{"password":"1mz050nq"}}]}"#,
        #"{"Operations":[{"method":"POST","path":"/Users","data":{}}]}"#
      ),
      (#"{"roles":[{"value":"{\"clientSecret\":\"1mz050nq\"}"}]}"#, #"{"roles":[{"value":"(removed)"}]}"#),
      (#"{"client_secret":"1mz050nq","Access_Token":"1mz050nq","apiKey":"1mz050nq","digest":"1mz050nq"}"#, "{}"),
      (#"{"filter":"password eq \"1mz050nq\""}"#, #"{"filter":"(removed)"}"#),
      (#"{"filter":"userName eq \"ana\""}"#, #"{"filter":"userName eq \"ana\""}"#),
      (
        #"{"Operations":[{"op":"remove","path":"emails[secret eq \"1mz050nq\"].value"}]}"#,
        #"{"Operations":[{"op":"remove","path":"emails"}]}"#
      ),
      (
        #"{"Operations":[{"op":"replace","path":"password xx \"1mz050nq\"","value":"1mz050nq"}]}"#,
        #"{"Operations":[{"op":"replace","path":"password","value":"(removed)"}]}"#
      ),
      (
        #"{"sortBy":"password 1mz050nq","attributes":["userName","password[\"1mz050nq\"]"]}"#,
        #"{"sortBy":"password","attributes":["userName","password"]}"#
      ),
      (
        #"{"Operations":[{"method":"DELETE","path":"/Users/token=1mz050nq"}]}"#,
        #"{"Operations":[{"method":"DELETE","path":"/Users"}]}"#
      ),
      (#"{"Operations":[{"op":"add","value":{"password xx \"1mz050nq\"":1}}]}"#, #"{"Operations":[{"op":"add","value":{}}]}"#),
      (#"{"userName":"password","title":"Token Ring"}"#, #"{"userName":"password","title":"Token Ring"}"#),
    ])
  func body(_ sent: String, _ redacted: String) throws {
    let outcome = Redaction.body(try JSON(parsing: sent))
    #expect(String(decoding: outcome.json.serialized(), as: UTF8.self) == redacted)
    #expect(outcome.removed.isEmpty == (sent == redacted) || sent.contains("roles"))
  }

  @Test(
    "Secrets are removed from the query",
    arguments: [
      ("filter=userName%20eq%20%22ana%22&count=100", "filter=userName%20eq%20%22ana%22&count=100"),
      ("access_token=abc&count=1", "access_token=(removed)&count=1"),
      ("filter=pass%77ord%20eq%20%22x%22", "filter=(removed)"), ("TOKEN=abc", "TOKEN=(removed)"), ("%74oken=abc", "%74oken=(removed)"),
      ("api_key=abc", "api_key=(removed)"), ("foo=rollcall_0123456789abcdefghij", "foo=(removed)"),
      ("foo=%zz%72ollcall_0123456789abcdefghij", "foo=(removed)"), ("filter=%zzpass%77ord", "filter=(removed)"),
      ("%zz=1&%74oken=abc", "%zz=1&%74oken=(removed)"), ("foo=%zz", "foo=%zz"),
      ("token", "token"),
    ])
  func query(_ sent: String, _ redacted: String) {
    #expect(Redaction.query(sent) == redacted)
    #expect(Redaction.isRedacted(redacted) == (sent != redacted))
  }

  @Test("A malformed escape in a path does not hide a token", arguments: ["/Users/%zz/%72ollcall_0123456789abcdefghij"])
  func path(_ sent: String) {
    #expect(Redaction.path(sent) == "/Users/%zz/\(Redaction.maskedToken)")
    #expect(Redaction.path("/Users/%zz/%72oll") == "/Users/%zz/%72oll")
  }

  @Test(
    "Secrets are removed from error details",
    arguments: [
      (#"the path password[x eq "hunter2"] is none"#, #"the path password[x eq "(removed)"] is none"#),
      (#"password eq "a\"b" and x eq "c""#, #"password eq "(removed)" and x eq "(removed)""#),
      (#"the filter is: Secret xx "hunter2"#, #"the filter is: Secret xx "(removed)"#),
      (#"userName eq "ana""#, #"userName eq "ana""#),
      ("ROLLCALL_0123456789abcdefghij is none", "ROLLCALL_(removed) is none"),
      ("ROLLCALL_DATABASE_FEED_URL is not set", "ROLLCALL_DATABASE_FEED_URL is not set"),
      ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl is none", "(removed) is none"), ("eyJust a word", "eyJust a word"),
    ])
  func text(_ sent: String, _ redacted: String) {
    #expect(Redaction.text(sent) == redacted)
  }

  @Test("Access tokens are masked in every field of an entry")
  func tokens() throws {
    let token = AccessToken.made(for: .made(at: Date()))
    var entry = LogEntry(
      id: .made(at: Date()), workspace: token.workspace, at: Date(), method: "GET", path: "/api/v2/scim/Users/\(token.text)", status: 404,
      milliseconds: 1)
    entry.userAgent = "curl \(token.text)"
    entry.detail = "no \(token.text), and rollcall_short is a name"
    entry.body = LoggedBody(bytes: 1, content: .whole(["title": .string(token.text)], removed: []))
    let text = String(decoding: entry.json(), as: UTF8.self)
    #expect(!text.contains(token.text.dropFirst(9).prefix(20)))
    #expect(text.components(separatedBy: Redaction.maskedToken).count == 5)
    #expect(text.contains("rollcall_short is a name"))
    #expect(try LogEntry(json: Array(text.utf8)).userAgent == "curl \(Redaction.maskedToken)")
  }

  @Test("The detail of the response does not contain a removed secret")
  func detail() throws {
    let outcome = Redaction.body(try JSON(parsing: #"{"password":"hunter2hunter2"}"#))
    #expect(Redaction.detail("found the string \"hunter2hunter2\"", without: outcome) == "found the string \"(removed)\"")
    #expect(Redaction.detail("nothing", without: nil) == "nothing")
  }

  @Test("A large body is reduced to its first values and their counts")
  func head() throws {
    let members: [JSON] = (0..<3000).map { ["value": .string("user-\($0)"), "password": "1mz050nq"] }
    let group: JSON = ["displayName": "Everybody", "members": .array(members), "description": .string(String(repeating: "x", count: 5000))]
    let body = LoggedBody.keeping(group, bytes: group.serialized().count).body
    guard case .head(let head) = body.content else { throw MessageError.unknownType("whole") }
    #expect(head.object?["displayName"] == "Everybody")
    #expect(head.object?["members"]?.object?["count"] == 3000)
    #expect(head.object?["members"]?.object?["first"]?.array?.count == 5)
    let text = String(decoding: head.serialized(), as: UTF8.self)
    #expect(!text.contains("1mz050nq"))
    #expect(text.utf8.count < 2000)
    #expect(body.content.name("displayName") == "Everybody")
    let small = LoggedBody.keeping(["members": [["value": "a"]]], bytes: 10).body
    #expect(small.content.memberValues == ["a"])
  }

  @Test(
    "A body's user name is found in a resource and in a PATCH",
    arguments: [
      (#"{"userName":"ana@example.com"}"#, "ana@example.com"),
      (#"{"USERNAME":"ana@example.com"}"#, "ana@example.com"),
      (#"{"Operations":[{"op":"replace","path":"userName","value":"ana@example.com"}]}"#, "ana@example.com"),
      (#"{"Operations":[{"op":"replace","value":{"active":false,"userName":"ana@example.com"}}]}"#, "ana@example.com"),
      (#"{"Operations":[{"op":"replace","path":"active","value":false}]}"#, nil),
    ] as [(String, String?)])
  func name(_ body: String, _ name: String?) throws {
    #expect(LoggedBody.Content.whole(try JSON(parsing: body), removed: []).name("userName") == name)
  }

  @Test("An entry round-trips through its event")
  func roundTrip() throws {
    let now = Date(timeIntervalSince1970: 1_769_850_000.123)
    var entry = LogEntry(
      id: .made(at: now), workspace: .made(at: now), at: now, method: "PATCH", path: "/api/v2/scim/Users/1", status: 409, milliseconds: 4.2)
    entry.token = .made(at: now)
    entry.identityProvider = "entra"
    entry.userAgent = "Microsoft"
    entry.address = "::1"
    entry.query = "attributes=id"
    entry.contentType = "application/json"
    entry.ifMatch = "W/\"1\""
    entry.scimType = "uniqueness"
    entry.detail = "taken"
    entry.normalisations = ["a", "b"]
    entry.resourceType = .user
    entry.resource = .made(at: now)
    entry.name = "ana"
    entry.command = .made(at: now)
    entry.trace = "0af7651916cd43dd8448eb211c80319c"
    entry.body = LoggedBody(bytes: 3, content: .none(reason: "broken"))
    entry.operations = LogEntry.Operations(count: 3, failed: 1)
    entry.bulk = .made(at: now)
    entry.replayOf = .made(at: now)
    let event = entry.cloudEvent(source: "scim-api/0")
    #expect(event.id == "\(entry.id)")
    #expect(try LogEntry(CloudEvent(headers: event.headers, data: event.data)) == entry)
    #expect(throws: MessageError.self) { try LogEntry(json: Array("{}".utf8)) }
    #expect(throws: MessageError.self) { try LogEntry(json: Array("nothing".utf8)) }
  }

  @Test("The name of a replay's token contains the entry and the operator")
  func replayToken() {
    let token = ReplayToken(entry: .made(at: Date()), operator: "ana of operations")
    #expect(ReplayToken(token.name) == token)
    #expect(ReplayToken("replay of nothing by ana") == nil)
    #expect(ReplayToken("Okta") == nil)
  }
}
