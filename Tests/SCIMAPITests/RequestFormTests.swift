import Foundation
import HTTPTypes
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// Tests for malformed requests that are valid HTTP, and their errors.
@Suite("Malformed requests", .timeLimit(.minutes(10)))
struct RequestFormTests {
  // MARK: - Tokens

  @Test(
    "A token in a wrong format is rejected with an explanation",
    arguments: [
      ("%", "does not begin with 'Bearer'"), ("%  ", "does not begin with 'Bearer'"), ("Bearer Bearer %", "twice"),
      ("bearer BEARER %", "twice"), ("Token %", "the scheme 'Token'"), ("Basic %", "the scheme 'Basic'"), ("SSWS %", "the scheme 'SSWS'"),
      ("Bearer \"%\"", "quotation marks"), ("Bearer '%'", "quotation marks"), ("Bearer <%>", "brackets"),
      ("Bearer % %", "contains a space"),
      ("% x", "does not begin with 'Bearer'"), ("s3cr3tscheme %", "another scheme"),
    ])
  func wrongToken(header: String, words: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let text = header.replacingOccurrences(of: "%", with: client.token)
      let answer = try await client.sendRaw("GET", "/api/v2/scim/Schemas", "", headers: ["Authorization": text])
      #expect(answer.status == 401)
      #expect(answer.detail.contains(words), "\(answer.detail)")
      #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer realm=") == true)
      #expect(!answer.text.contains(client.token.suffix(30)))
      #expect(!answer.text.contains("s3cr3tscheme"))
    }
  }

  @Test("Spaces and tabs around a token are accepted", arguments: ["Bearer\t%", "Bearer   %", " Bearer %  ", "bearer %\t"])
  func spaces(header: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let text = header.replacingOccurrences(of: "%", with: client.token)
      let answer = try await client.sendRaw("GET", "/api/v2/scim/Schemas", "", headers: ["Authorization": text])
      #expect(answer.status == 200, "\(answer.detail)")
    }
  }

  // MARK: - Bodies

  private static let body = #"{"userName":"ana@example.com"}"#

  private func post(
    _ client: HTTPClient, _ bytes: [UInt8], _ headers: [String: String] = [:]
  ) async throws -> (status: Int, headers: String, text: String) {
    var head = "POST /api/v2/scim/Users HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer \(client.token)\r\n"
    let all = ["Content-Type": "application/scim+json", "Content-Length": "\(bytes.count)"].merging(headers) { _, new in new }
    for (name, value) in all where !value.isEmpty { head += "\(name): \(value)\r\n" }
    let text = try await client.exchange(bytes: Array((head + "\r\n").utf8) + bytes)
    #expect(text.ranges(of: /HTTP\/1\.1 \d/).count == 1, "\(text)")
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0, text.lowercased(), text)
  }

  private static var builder: EdgeBuilder {
    var builder = EdgeBuilder()
    builder.reply = { .resource(EdgeBuilder.user("ana@example.com", id: $0.resource), created: true) }
    return builder
  }

  @Test(
    "A compressed body gets 415 with the supported codings", arguments: ["gzip", "GZIP", "deflate", "br", "identity, gzip"])
  func compressed(coding: String) async throws {
    try await serving(Self.builder) { client in
      let answer = try await post(client, [0x1F, 0x8B, 8, 0], ["Content-Encoding": coding])
      #expect(answer.status == 415)
      #expect(answer.headers.contains("\r\naccept-encoding: identity\r\n"), "\(answer.text)")
      #expect(answer.text.contains("without compression"))
    }
  }

  @Test("A compressed body without Content-Encoding is rejected as well, and identity is accepted")
  func undeclared() async throws {
    try await serving(Self.builder) { client in
      let answer = try await post(client, [0x1F, 0x8B, 8, 0, 0, 0])
      #expect(answer.status == 415)
      #expect(answer.headers.contains("\r\naccept-encoding: identity\r\n"))
      #expect(try await post(client, Array(Self.body.utf8), ["Content-Encoding": "identity"]).status == 201)
    }
  }

  @Test("A byte order mark is ignored; UTF-16 gets 415")
  func encodings() async throws {
    try await serving(Self.builder) { client in
      #expect(try await post(client, [0xEF, 0xBB, 0xBF] + Array(Self.body.utf8)).status == 201)
      let utf16 = Self.body.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      let bigEndian = Self.body.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
      for bytes in [utf16, bigEndian, [0xFF, 0xFE] + utf16, [0xFE, 0xFF] + bigEndian] {
        let answer = try await post(client, bytes)
        #expect(answer.status == 415)
        #expect(answer.text.contains("UTF-8"))
      }
      #expect(try await post(client, [0xEF, 0xBB, 0xBF]).status == 400)
    }
  }

  @Test(
    "A Transfer-Encoding other than chunked gets one 501",
    arguments: ["gzip", "gzip, chunked", "identity", "compress"])
  func transferEncoding(coding: String) async throws {
    try await serving(Self.builder) { client in
      let answer = try await post(client, Array("0\r\n\r\n".utf8), ["Transfer-Encoding": coding, "Content-Length": ""])
      #expect(answer.status == 501, "\(answer.text)")
      #expect(answer.text.contains("only 'chunked'"))
    }
  }

  @Test("A body without a determinable length gets 400, because chunked is not the last coding (RFC 9112 §6.3)")
  func chunkedNotLast() async throws {
    try await serving(Self.builder) { client in
      let answer = try await post(client, Array("0\r\n\r\n".utf8), ["Transfer-Encoding": "chunked, gzip", "Content-Length": ""])
      #expect(answer.status == 400, "\(answer.text)")
      #expect(answer.text.contains("Transfer-Encoding"))
    }
  }

  @Test(
    "A too large Content-Length gets 413, an invalid one 400",
    arguments: [
      ("9223372036854775808", 413), ("9223372036854775807", 413), ("8388609", 413), ("99999999999999999999999", 400), ("-1", 400),
      ("1, 2", 400), ("0x10", 400), ("+5", 400),
    ])
  func contentLength(length: String, status: Int) async throws {
    try await serving(Self.builder) { client in
      let answer = try await post(client, [], ["Content-Length": length])
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.text.contains("\"status\":\"\(status)\""))
    }
  }

  // MARK: - Hosts

  @Test(
    "An invalid Host gets 400",
    arguments: ["..", ".", ":", ":80", "a..", "a..b", ".a", "a:b", "a:0", "a:99999", "[::1", "[a]", "::1", "-a", "a b", "a/b", ""])
  func hosts(host: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.sendRaw(
        "GET", "/api/v2/scim/Schemas", "", headers: ["Host": host, "Authorization": "Bearer \(client.token)"])
      #expect(answer.status == 400, "\(answer.text)")
    }
  }

  @Test(
    "A Host may be a name or an address, with a port or a trailing dot",
    arguments: ["a", "a.example.", "A.example:8080", "127.0.0.1", "[::1]:443", "scim_api:80"])
  func goodHosts(host: String) {
    #expect(OriginRule.isAuthority(host))
  }

  @Test("Two Host headers get 400", arguments: [("a", "b"), ("a", "a")])
  func twoHosts(one: String, other: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let text = try await client.exchange(
        "GET /api/v2/scim/Schemas HTTP/1.1\r\nHost: \(one)\r\nHOST: \(other)\r\nConnection: close\r\nAuthorization: Bearer \(client.token)\r\n\r\n"
      )
      #expect(text.hasPrefix("HTTP/1.1 400 "), "\(text)")
      #expect(text.contains("more than one Host"))
    }
  }

  // MARK: - Addresses

  @Test("An email address with a line break gets 400 on every endpoint", arguments: ["\\r", "\\n", "\\r\\nBcc: eve@example.com"])
  func lineBreaks(ending: String) async throws {
    var builder = Self.builder
    builder.scopes = [.scim, .signIns, .admin]
    let address = "ana@example.com\(ending)"
    let id = ResourceID.made(at: Date())
    try await serving(builder) { [builder] client in
      for (method, path, body) in [
        ("POST", "/api/v2/scim/Users", #"{"userName":"\#(address)"}"#),
        ("PUT", "/api/v2/scim/Users/\(id)", #"{"userName":"ana","emails":[{"value":"\#(address)","type":"work"}]}"#),
        ("POST", "/api/v2/sign-ins", #"{"email":"\#(address)"}"#),
        ("POST", "/api/v2/mail-events", #"{"event":"bounced","email":"\#(address)"}"#),
      ] {
        let answer = try await client.send(method, path, body, base: "")
        #expect(answer.status == 400, "\(path): \(answer.text)")
        #expect(answer.detail.contains("line break"), "\(answer.detail)")
        // The product API has problem details instead of SCIM errors.
        let isSCIM = path.hasPrefix(ResourcePath.base)
        #expect(answer.json["scimType"]?.string == (isSCIM ? "invalidValue" : nil))
        #expect(answer.headers["content-type"] == (isSCIM ? "\(MediaType.scim); charset=utf-8" : ProblemDetails.mediaType))
      }
      #expect(builder.sentCommands.entries.isEmpty && builder.signIns.entries.isEmpty && builder.mailEvents.entries.isEmpty)
    }
  }

  // MARK: - Queries

  @Test(
    "An empty filter is invalid",
    arguments: ["/Users?filter=", "/Users?filter=%20", "/Groups?count=1&filter", "/?filter="])
  func emptyFilter(path: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.send("GET", path)
      #expect(answer.status == 400)
      #expect(answer.json["scimType"]?.string == "invalidFilter")
      let search = #"{"schemas":["\#(MessageSchema.searchRequest)"],"filter":""}"#
      let found = try await client.send("POST", "/Users/.search", search)
      #expect((found.status, found.json["scimType"]?.string) == (400, "invalidFilter"))
      #expect(try await client.send("GET", "/Users").status == 200)
    }
  }

  @Test("ServiceProviderConfigs is an alias of ServiceProviderConfig, as in drafts of the protocol")
  func configurations() async throws {
    try await serving(EdgeBuilder()) { client in
      let one = try await client.send("GET", "/ServiceProviderConfig")
      let other = try await client.send("GET", "/ServiceProviderConfigs")
      #expect(other.status == 200)
      #expect(one.body == other.body)
      #expect(try await client.send("GET", "/v2/ServiceProviderConfigs").status == 200)
    }
  }

  @Test("The schemas of users and groups have id, externalId and meta; those of extensions do not")
  func commonAttributes() async throws {
    try await serving(EdgeBuilder()) { client in
      let list = try await client.send("GET", "/Schemas").json["Resources"]?.array?.compactMap(\.object) ?? []
      #expect(list.count >= 3)
      for schema in list {
        let id = try #require(schema["id"]?.string)
        let single = try await client.send("GET", "/Schemas/\(id)").json
        #expect(single["attributes"] == schema["attributes"])
        let attributes = schema["attributes"]?.array?.compactMap(\.object) ?? []
        let names = attributes.compactMap { $0["name"]?.string }
        let isOfResource = !id.contains("extension")
        for name in ["id", "externalId", "meta"] { #expect(names.filter { $0 == name }.count == (isOfResource ? 1 : 0), "\(id) \(name)") }
        guard isOfResource else { continue }
        #expect(attributes.first { $0["name"] == "id" }?["mutability"] == "readOnly")
        #expect(attributes.first { $0["name"] == "meta" }?["subAttributes"]?.array?.count == 5)
      }
    }
  }

  // MARK: - Secrets in URLs

  @Test("A malformed escape in a query does not hide a token")
  func malformedEscape() {
    #expect(throws: APIError.self) { try SensitiveQuery.check("foo=%zz%72ollcall_0123456789abcdef0123456789abcdef") }
    #expect(throws: Never.self) { try SensitiveQuery.check("foo=%zz%72ollcall") }
  }

  @Test(
    "A URL with a secret parameter is rejected, however its name is written",
    arguments: [
      "token=abc", "TOKEN=abc", "%74oken=abc", "%54OKEN=abc", "api_key=abc", "apikey=abc", "API-KEY=abc", "apiKey=abc", "access_token=abc",
      "Access%5FToken=abc", "password=abc", "client_secret=abc", "count=1&Api_Key=abc", "count=1;token=abc", "x-api-key=abc",
      "id_token=abc", "bearer=abc", "Bearer=abc",
      "foo=rollcall_0123456789abcdef0123456789abcdef", "foo=rollcall%5F0123456789abcdef0123456789abcdef",
    ])
  func secretParameters(query: String) async throws {
    try await serving(EdgeBuilder()) { client in
      let answer = try await client.send("GET", "/Users?\(query)")
      #expect(answer.status == 403)
      #expect(answer.json["scimType"]?.string == "sensitive")
      #expect(!answer.text.contains("abc"))
    }
  }

  @Test(
    "A secret in a filter, a path or a list of attributes reaches no response, command or log",
    arguments: [
      ("GET", "/Users?filter=password%20xx%20%22s3cr3t%22", nil), ("GET", "/Users?filter=password%20eq%20s3cr3t", nil),
      ("GET", "/Users?filter=pass%77ord%20eq%20%22s3cr3t%22", nil),
      ("GET", "/Users?filter=userName%20eq%20%22a%22%20and%20secret%20%22s3cr3t", nil),
      ("GET", "/Users?sortBy=password%22s3cr3t%22", nil), ("GET", "/Users?attributes=password%22s3cr3t%22", nil),
      ("GET", "/Users/password=s3cr3t", nil), ("GET", "/Users/token%22s3cr3t%22", nil), ("GET", "/secret/%22s3cr3t%22", nil),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"remove","path":"password[x eq \"s3cr3t\"]"}]}"#),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"remove","path":"password[value eq \"s3cr3t\"]"}]}"#),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"replace","path":"password xx \"s3cr3t\"","value":"s3cr3t"}]}"#),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"remove","path":"emails[password eq \"s3cr3t\"].value"}]}"#),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"remove","path":"password eq s3cr3t"}]}"#),
      ("PATCH", "/Users/ID", #"{"Operations":[{"op":"add","value":{"password xx \"s3cr3t\"":"a"}}]}"#),
      ("PATCH", "/Groups/ID", #"{"Operations":[{"op":"remove","path":"members[secret eq \"s3cr3t\"]"}]}"#),
      ("POST", "/Users/.search", #"{"schemas":["S"],"filter":"password xx \"s3cr3t\""}"#),
      ("POST", "/Users/.search", #"{"schemas":["S"],"filter":"password eq \"s3cr3t"}"#),
      ("POST", "/Users/.search", #"{"schemas":["S"],"sortBy":"password[\"s3cr3t\"]"}"#),
      ("POST", "/Users/.search", #"{"schemas":["S"],"attributes":["password[\"s3cr3t\"]"],"excludedAttributes":["a"]}"#),
      ("POST", "/Bulk", #"{"schemas":["B"],"Operations":[{"method":"DELETE","path":"/password/\"s3cr3t\""}]}"#),
      ("POST", "/Bulk", #"{"schemas":["B"],"Operations":[{"method":"PATCH","path":"/Users?token=s3cr3t","data":{}}]}"#),
      (
        "POST", "/Bulk",
        #"{"schemas":["B"],"Operations":[{"method":"PATCH","path":"/Users/ID","data":{"Operations":[{"op":"remove","path":"password[x eq \"s3cr3t\"]"}]}}]}"#
      ),
    ] as [(String, String, String?)])
  func secrets(method: String, path: String, body: String?) async throws {
    var builder = EdgeBuilder()
    builder.reply = { command in
      guard case .bulk(let bulk) = command.operation else { return .done }
      return .bulk(
        bulk.operations.map { operation in
          if case .refused(let status, let error) = operation.action { .refused(status: status, error: error) } else { .done }
        })
    }
    let id = "\(ResourceID.made(at: Date()))"
    let sent = body?.replacingOccurrences(of: #"["S"]"#, with: #"["\#(MessageSchema.searchRequest)"]"#)
      .replacingOccurrences(of: #"["B"]"#, with: #"["\#(MessageSchema.bulkRequest)"]"#).replacingOccurrences(of: "ID", with: id)
    try await serving(builder) { [builder] client in
      let answer = try await client.send(method, path.replacingOccurrences(of: "ID", with: id), sent)
      #expect(!answer.text.contains("s3cr3t"), "\(answer.text)")
      for command in builder.sentCommands.entries {
        let data = try command.cloudEvent(source: "test").data
        #expect(!String(decoding: data, as: UTF8.self).contains("s3cr3t"))
      }
      for entry in builder.log.take(100).flatMap({ $0.entries() }) {
        let text = String(decoding: entry.json(), as: UTF8.self)
        #expect(!text.contains("s3cr3t"), "\(text)")
      }
    }
  }

  @Test("A token in the path of a URL reaches no response and no log, encoded or not", arguments: ["", "%72ollcall_"])
  func tokenInPath(prefix: String) async throws {
    let builder = EdgeBuilder()
    try await serving(builder) { [builder] client in
      let token = prefix.isEmpty ? client.token : prefix + client.token.dropFirst("rollcall_".count)
      for path in ["/Users/\(token)", "/\(token)", "/Schemas/\(token)", "/Users/\(token.uppercased())"] {
        let answer = try await client.send("GET", path)
        #expect(answer.status == 404)
        #expect(
          !answer.text.contains(client.token.suffix(30)) && !answer.text.contains(client.token.uppercased().suffix(30)), "\(answer.text)")
      }
      let entries = builder.log.take(100).flatMap { $0.entries() }
      #expect(entries.count == 4)
      for entry in entries {
        let text = String(decoding: entry.json(), as: UTF8.self)
        #expect(!text.contains(client.token.suffix(30)) && !text.contains(client.token.uppercased().suffix(30)), "\(text)")
      }
    }
  }
}
