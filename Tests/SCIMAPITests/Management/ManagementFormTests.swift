import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The management API: headers and patches")
struct ManagementFormTests {
  private static func request(_ headers: HTTPFields = [:], path: String = "/api/v2/admin/tokens", method: HTTPRequest.Method = .post)
    -> Request
  {
    Request(
      head: HTTPRequest(method: method, scheme: "http", authority: "a", path: path, headerFields: headers), body: .init(buffer: .init()))
  }

  /// The examples of RFC 7396, appendix A.
  static let patches = [
    (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
    (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
    (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#), (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
    (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#), (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
    (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
    (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
    (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
    ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  ]

  @Test("Merge patches are applied as in RFC 7396", arguments: patches)
  func mergePatch(target: String, patch: String, result: String) throws {
    #expect(try MergePatch.apply(JSON(parsing: patch), to: JSON(parsing: target)) == JSON(parsing: result))
  }

  @Test("Entity tags are compared without regard to weakness, and malformed ones are rejected")
  func tags() throws {
    func versions(_ header: String?) throws -> [Int64]? {
      try SettingsETag.versions(ifMatchOf: Self.request(header.map { [.ifMatch: $0] } ?? [:]))
    }
    #expect(try versions(nil) == nil && versions("*") == nil)
    #expect(try versions(#""12""#) == [12] && versions(#"W/"12", "13""#) == [12, 13])
    // The tag of something else matches nothing.
    #expect(try versions(#""abc""#) == [0])
    for header in ["12", "", "\"", "W/12", "\"\""] { #expect(throws: ProblemDetails.self) { try versions(header) } }
    let tag = SettingsETag(version: 12)
    for (header, isKnown) in [(#""12""#, true), (#"W/"12""#, true), ("*", true), (#""1", "12""#, true), (#""1""#, false), ("12", false)] {
      #expect(tag.isKnown(to: Self.request([.ifNoneMatch: header])) == isKnown, "\(header)")
    }
  }

  @Test("Ids and secrets are derived from token, workspace and key; the digest from the request")
  func idempotencyKeys() throws {
    let builder = EdgeBuilder()
    let caller = builder.record.caller
    func key(_ text: String, _ body: String = "{}", path: String = "/a", caller: Caller = caller) throws -> IdempotencyKey {
      try #require(try IdempotencyKey(Self.request([.idempotencyKey: text], path: path), body: Array(body.utf8), of: caller))
    }
    let (one, sealing) = (try key("0123456789abcdef"), SymmetricKey(size: .bits256))
    #expect(try key(#""0123456789abcdef""#) == one, "quotes do not count")
    #expect(try key("0123456789abcdef", "[]").requestDigest != one.requestDigest)
    #expect(try key("0123456789abcdef", path: "/b").requestDigest != one.requestDigest)
    #expect(try key("0123456789abcdef", "[]").command == one.command)
    let others = [try key("0123456789abcdeF"), try key("0123456789abcdef", caller: EdgeBuilder().record.caller)]
    for other in others {
      #expect(other.command != one.command && other.secret(sealedBy: sealing) != one.secret(sealedBy: sealing))
    }
    #expect(one.secret(sealedBy: sealing) != one.secret(sealedBy: SymmetricKey(size: .bits256)))
    #expect(one.secret(sealedBy: sealing).count == 32)
    let token: TokenID = one.id("token")
    #expect(token == one.id("token") && token != one.id("other") && token.uuid != one.command.uuid)
    #expect("\(token)".dropFirst(14).first == "8", "a UUID of version 8")
    var next = one
    let isFirstPossible = next.advance()
    #expect(isFirstPossible && next.command != one.command && next.id("token") == token)
    for _ in 0..<IdempotencyKey.maximumAttempts { _ = next.advance() }
    let isNextPossible = next.advance()
    #expect(!isNextPossible)
    #expect(try IdempotencyKey(Self.request(), body: [], of: caller) == nil)
    for text in ["short", String(repeating: "x", count: 256), "with a space", "\"\""] {
      #expect(throws: ProblemDetails.self) { try key(text) }
    }
  }

  @Test("Problem details have the members of RFC 9457, and at most a thousand errors")
  func problemDetails() throws {
    let problem = ProblemDetails(
      400, .invalidBody, "Two lines are wrong.",
      errors: [.init(.line(3), "no address"), .init(.pointer("/a"), "b"), .init(.parameter("c"), "d")])
    let json = try #require(try JSON(parsing: problem.body).object)
    #expect(
      json == [
        "type": "urn:rollcall:problem:invalid-body", "title": "The body is not valid", "status": 400, "detail": "Two lines are wrong.",
        "errors": [["line": 3, "detail": "no address"], ["pointer": "/a", "detail": "b"], ["parameter": "c", "detail": "d"]],
      ])
    let many = ProblemDetails(400, .invalidBody, "x", errors: (1...2000).map { .init(.line($0), "x") })
    #expect(try JSON(parsing: many.body).object?["errors"]?.array?.count == ProblemDetails.maximumErrors)
    let plain = try #require(try JSON(parsing: ProblemDetails(APIError(404, "Gone.")).body).object)
    #expect(plain == ["type": "about:blank", "title": "Not Found", "status": 404, "detail": "Gone."])
  }
}
