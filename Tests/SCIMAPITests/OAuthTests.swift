import Credentials
import Crypto
import Foundation
import JWTKit
import Models
import Primitives
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("OAuth client credentials")
struct OAuthTests {
  private static let form = ["Content-Type": "application/x-www-form-urlencoded"]

  private func basic(_ id: some CustomStringConvertible, _ secret: String) -> [String: String] {
    Self.form.merging(["Authorization": "Basic " + Data("\(id):\(secret)".utf8).base64EncodedString()]) { _, new in new }
  }

  private func builder() throws -> EdgeBuilder {
    var builder = EdgeBuilder()
    builder.signingKeys = [try EdgeBuilder.signingKey()]
    return builder
  }

  private func ask(_ client: HTTPClient, _ body: String, _ headers: [String: String]) async throws -> Answer {
    try await client.sendRaw("POST", OAuthController.tokenPath, body, headers: headers)
  }

  @Test("A client gets an access token with Basic authentication or the body, and SCIM accepts it")
  func tokens() async throws {
    let builder = try builder()
    try await serving(builder) { client in
      let byHeader = try await ask(
        client, "grant_type=client_credentials&scope=scim", basic(builder.clientID, builder.clientSecret.text))
      #expect(byHeader.status == 200, "\(byHeader.text)")
      #expect(byHeader.headers["cache-control"] == "no-store")
      #expect(byHeader.headers["pragma"] == "no-cache")
      #expect(byHeader.headers["content-type"]?.hasPrefix("application/json") == true)
      #expect(byHeader.json["token_type"]?.string == "Bearer")
      #expect(byHeader.json["expires_in"] == .integer(600))
      #expect(byHeader.json["scope"]?.string == "scim")
      let byBody = try await ask(
        client, "grant_type=client_credentials&client_id=\(builder.clientID)&client_secret=\(builder.clientSecret.text)", Self.form)
      #expect(byBody.status == 200, "\(byBody.text)")
      #expect(byBody.json["scope"]?.string == "scim sign-ins")
      for answer in [byHeader, byBody] {
        let token = try #require(answer.json["access_token"]?.string)
        let read = try await client.send("GET", "/Users", headers: ["Authorization": "Bearer \(token)"])
        #expect(read.status == 200, "\(read.text)")
      }
      // It contains only the requested scopes.
      let narrow = try #require(byHeader.json["access_token"]?.string)
      let refused = try await client.send(
        "POST", "", #"{"email":"ana@example.com"}"#, headers: ["Authorization": "Bearer \(narrow)"], base: ResourcePath.signIns)
      #expect(refused.status == 403)
    }
  }

  @Test("Commands have the client as actor")
  func actor() async throws {
    let builder = try builder()
    try await serving(builder) { client in
      let answer = try await ask(client, "grant_type=client_credentials", basic(builder.clientID, builder.clientSecret.text))
      let token = try #require(answer.json["access_token"]?.string)
      _ = try await client.send("DELETE", "/Users/\(UserID.made(at: Date()))", headers: ["Authorization": "Bearer \(token)"])
      #expect(builder.sentCommands.entries.map(\.actor) == [.client(builder.clientID)])
    }
  }

  @Test("The access token conforms to RFC 9068 and is signed with a published key")
  func claims() async throws {
    let builder = try builder()
    try await serving(builder) { client in
      let answer = try await ask(client, "grant_type=client_credentials", basic(builder.clientID, builder.clientSecret.text))
      let token = try #require(answer.json["access_token"]?.string)
      let published = try await client.send("GET", "", base: OAuthController.keysPath)
      #expect(published.status == 200)
      #expect(!published.text.contains("\"d\""))
      let keys = JWTKeyCollection()
      try await keys.add(jwksJSON: published.text)
      let claims = try await keys.verify(token, as: AccessTokenClaims.self)
      #expect(claims.issuer == "https://app.example.com")
      #expect(claims.audience == "https://app.example.com/api/v2")
      #expect(claims.subject == "\(builder.clientID)" && claims.clientID == claims.subject)
      #expect(claims.workspace == "\(builder.workspace)")
      #expect(claims.expiresAt - claims.issuedAt == 600)
      let header = try #require(Base64URL.decode(token.utf8.prefix { $0 != UInt8(ascii: ".") }))
      let fields = try #require(try JSON(parsing: header).object)
      #expect(fields["typ"]?.string == "at+jwt")
      #expect(fields["alg"]?.string == "ES256")
      #expect(fields["kid"]?.string == "\(try #require(builder.signingKeys?.first).id)")

      let metadata = try await client.send("GET", "", base: OAuthController.metadataPath)
      #expect(metadata.json["issuer"]?.string == "https://app.example.com")
      #expect(metadata.json["token_endpoint"]?.string == "https://app.example.com/api/v2/oauth/token")
      #expect(metadata.json["jwks_uri"]?.string == "https://app.example.com/.well-known/jwks.json")
      #expect(metadata.json["grant_types_supported"] == .array([.string("client_credentials")]))
    }
  }

  /// An invalid request, and the status and error code of RFC 6749 §5.2 that are expected.
  static let mistakes: [(String, Credential, Int, String)] = [
    ("", .good, 400, "invalid_request"), ("grant_type=password", .good, 400, "unsupported_grant_type"),
    ("grant_type=client_credentials&grant_type=client_credentials", .good, 400, "invalid_request"),
    ("grant_type=client_credentials&scope=admin", .good, 400, "invalid_scope"),
    ("grant_type=client_credentials&scope=everything", .good, 400, "invalid_scope"),
    ("grant_type=client_credentials&scope=%20", .good, 400, "invalid_scope"),
    ("grant_type=client_credentials&client_secret=x", .good, 400, "invalid_request"),
    ("grant_type=client_credentials&client_id=x", .good, 400, "invalid_request"),
    ("grant_type=%FF", .good, 400, "invalid_request"), ("grant_type=client_credentials", .none, 401, "invalid_client"),
    ("grant_type=client_credentials", .otherSecret, 401, "invalid_client"),
    ("grant_type=client_credentials", .otherClient, 401, "invalid_client"),
    ("grant_type=client_credentials", .apiToken, 401, "invalid_client"),
    ("grant_type=client_credentials", .bearer, 401, "invalid_client"),
  ]

  enum Credential: Sendable {
    case good, none, otherSecret, otherClient, apiToken, bearer
  }

  @Test("Invalid requests get the errors of RFC 6749", arguments: mistakes)
  func refusals(body: String, credential: Credential, status: Int, code: String) async throws {
    let builder = try builder()
    let headers: [String: String] =
      switch credential {
      case .good: basic(builder.clientID, builder.clientSecret.text)
      case .none: Self.form
      case .otherSecret: basic(builder.clientID, ClientSecret.made(for: builder.workspace).text)
      case .otherClient: basic(TokenID.made(at: Date()), builder.clientSecret.text)
      case .apiToken: basic(builder.clientID, builder.token.text)
      case .bearer: Self.form.merging(["Authorization": "Bearer \(builder.token.text)"]) { _, new in new }
      }
    try await serving(builder) { client in
      let answer = try await ask(client, body, headers)
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.json["error"]?.string == code)
      #expect(answer.json["error_description"]?.string?.isEmpty == false)
      #expect(answer.headers["cache-control"] == "no-store")
      if status == 401 { #expect(answer.headers["www-authenticate"]?.hasPrefix("Basic ") == true) }
      #expect(!answer.text.contains(builder.clientSecret.text))
    }
  }

  @Test("Another media type, a too large body and a secret in the URL are rejected")
  func otherBodies() async throws {
    let builder = try builder()
    let good = basic(builder.clientID, builder.clientSecret.text)
    try await serving(builder) { client in
      let json = try await ask(client, "{}", good.merging(["Content-Type": "application/json"]) { _, new in new })
      #expect(json.status == 400)
      let large = try await ask(client, "grant_type=client_credentials&x=" + String(repeating: "a", count: 20_000), good)
      #expect(large.status == 413)
      let leaking = try await client.send(
        "POST", "?client_secret=x", "grant_type=client_credentials", headers: good, base: OAuthController.tokenPath)
      #expect(leaking.status == 403)
      #expect(leaking.json["error"]?.string == "invalid_request")
      #expect(try await client.send("GET", "", base: OAuthController.tokenPath).status == 405)
    }
  }

  @Test("Without the encryption key OAuth is not configured, and access tokens of other issuers are rejected")
  func notConfigured() async throws {
    let builder = EdgeBuilder()
    try await serving(builder) { client in
      let answer = try await ask(client, "grant_type=client_credentials", basic(builder.clientID, builder.clientSecret.text))
      #expect(answer.status == 400)
      #expect(answer.json["error"]?.string == "unsupported_grant_type")
      #expect(answer.json["error_description"]?.string?.contains("not configured") == true)
      #expect(try await client.send("GET", "", base: OAuthController.keysPath).status == 404)
      #expect(try await client.send("GET", "", base: OAuthController.metadataPath).status == 404)
      let header = Base64URL.encode(Array(#"{"alg":"ES256","typ":"at+jwt","kid":"x"}"#.utf8))
      #expect(try await client.send("GET", "/Users", headers: ["Authorization": "Bearer \(header).e30.AA"]).status == 401)
    }
  }

  @Test("The JWKS has the keys of access tokens and security event tokens, without OAuth only the latter")
  func allKeys() async throws {
    var builder = try builder()
    let key = #"{"crv":"P-256","kid":"security-events","kty":"EC","x":"AA","y":"AA"}"#
    builder.securityEventKeys = [key]
    let own = "\(try #require(builder.signingKeys?.first).id)"
    @Sendable func ids(_ client: HTTPClient) async throws -> [String] {
      let keys = try await client.send("GET", "", base: OAuthController.keysPath).json["keys"]?.array ?? []
      return keys.compactMap { $0.object?["kid"]?.string }
    }
    try await serving(builder) { client in
      let listed = try await ids(client)
      #expect(listed == [own, "security-events"])
    }
    builder.signingKeys = nil
    try await serving(builder) { client in
      let listed = try await ids(client)
      #expect(listed == ["security-events"])
    }
  }

  @Test("Without a signing key yet the response is 503 with Retry-After")
  func noKeyYet() async throws {
    var builder = EdgeBuilder()
    builder.signingKeys = []
    let headers = basic(builder.clientID, builder.clientSecret.text)
    try await serving(builder) { client in
      let answer = try await ask(client, "grant_type=client_credentials", headers)
      #expect(answer.status == 503)
      #expect(answer.headers["retry-after"] != nil)
    }
  }

  @Test("A revoked client gets no access token")
  func revoked() async throws {
    var builder = try builder()
    builder.revokedAt = Date()
    let headers = basic(builder.clientID, builder.clientSecret.text)
    try await serving(builder) { client in
      let answer = try await ask(client, "grant_type=client_credentials", headers)
      #expect(answer.status == 401)
      #expect(answer.json["error_description"]?.string?.contains("revoked") == true)
    }
  }

  @Test("A client gets no access token at another workspace's domain, and its token is invalid there")
  func otherDomain() async throws {
    var builder = try builder()
    builder.publicURL = nil
    builder.domains = ["scim.acme.example": builder.workspace, "scim.other.example": .made(at: Date())]
    let headers = basic(builder.clientID, builder.clientSecret.text)
    try await serving(builder) { client in
      let other = try await ask(
        client, "grant_type=client_credentials", headers.merging(["Host": "scim.other.example"]) { _, new in new })
      #expect(other.status == 401)
      #expect(other.json["error_description"]?.string?.contains("another workspace") == true)
      let own = try await ask(client, "grant_type=client_credentials", headers.merging(["Host": "scim.acme.example"]) { _, new in new })
      let token = try #require(own.json["access_token"]?.string)
      func read(_ host: String) async throws -> Answer {
        try await client.send("GET", "/Users", headers: ["Authorization": "Bearer \(token)", "Host": host])
      }
      #expect(try await read("scim.acme.example").status == 200)
      #expect(try await read("scim.other.example").status == 401)
      // It is valid for the host where it was requested.
      let elsewhere = try await read("app.example.com")
      #expect(elsewhere.status == 401)
      #expect(elsewhere.detail.contains("scim.acme.example"))
    }
  }

  @Test("A token with another key, algorithm or type, or a modified one, is invalid")
  func forgeries() async throws {
    let builder = try builder()
    let key = try #require(builder.signingKeys?.first)
    let foreignKey = try EdgeBuilder.signingKey()
    let now = Date()
    let site = Site(url: "https://app.example.com", host: "app.example.com", workspace: nil)
    let claims = AccessTokenClaims(
      client: builder.clientID, of: builder.workspace, scopes: [.scim], at: site, from: now, lifetime: 600, id: UUID())
    func signed(_ claims: AccessTokenClaims, by key: SigningKey, as kid: SigningKeyID, type: String = "at+jwt") async throws -> String {
      let secret = try ES256PrivateKey(backing: EdgeBuilder.seal.open(key.sealedPrivateKey, id: key.id))
      return try await JWTKeyCollection().add(ecdsa: secret, kid: JWKIdentifier(string: "\(kid)"))
        .sign(claims, kid: JWKIdentifier(string: "\(kid)"), header: ["typ": .string(type)])
    }
    let good = try await signed(claims, by: key, as: key.id)
    let parts = good.split(separator: ".")
    let unsigned = Base64URL.encode(Array(#"{"alg":"none","typ":"at+jwt","kid":"\#(key.id)"}"#.utf8)) + ".\(parts[1])."
    let symmetric = Base64URL.encode(Array(#"{"alg":"HS256","typ":"at+jwt","kid":"\#(key.id)"}"#.utf8)) + ".\(parts[1]).\(parts[2])"
    var expired = claims
    expired.expiresAt = Int64(now.timeIntervalSince1970) - 1
    var other = claims
    other.workspace = "\(WorkspaceID.made(at: now))"
    let tokens: [(String, Int)] = [
      (good, 200), (try await signed(claims, by: foreignKey, as: foreignKey.id), 401),
      (try await signed(claims, by: foreignKey, as: key.id), 401),
      (try await signed(claims, by: key, as: key.id, type: "JWT"), 401), (try await signed(expired, by: key, as: key.id), 401),
      (try await signed(other, by: key, as: key.id), 401), (unsigned, 401), (symmetric, 401), ("\(parts[0]).\(parts[1]).AAAA", 401),
      ("\(parts[0]).e30.\(parts[2])", 401),
    ]
    try await serving(builder) { client in
      for (index, (token, status)) in tokens.enumerated() {
        let answer = try await client.send("GET", "/Users", headers: ["Authorization": "Bearer \(token)"])
        #expect(answer.status == status, "token \(index): \(answer.text)")
      }
    }
  }

  @Test("The previous secret is valid until its grace period ends")
  func formerSecret() {
    let builder = EdgeBuilder()
    let now = Date()
    let former = ClientSecret.made(for: builder.workspace)
    var client = builder.client
    client.former = TokenRecord.FormerSecret(digest: Array(SHA256.hash(data: Data(former.text.utf8))), until: now)
    func isAccepted(_ secret: ClientSecret, _ time: Date) -> Bool {
      client.hasSecret(SHA256.hash(data: Data(secret.text.utf8)), at: time)
    }
    #expect(isAccepted(builder.clientSecret, now))
    #expect(isAccepted(former, now - 1))
    #expect(!isAccepted(former, now))
    #expect(!isAccepted(.made(for: builder.workspace), now - 1))
  }

  @Test("Key rotation: the newest active key signs, and retired keys are still published")
  func changeOver() async throws {
    let now = Date()
    let schedule = KeySchedule(lifetime: 86_400)
    var keys: [SigningKey] = []
    for day in 0..<3 {
      let time = now + Double(day) * 86_400 - (day == 0 ? 0 : 300)
      let term = try #require(schedule.nextTerm(after: keys.map(\.term), at: time))
      keys.append(try SigningKey(id: .made(at: time), term: term, seal: EdgeBuilder.seal))
    }
    #expect(schedule.nextTerm(after: keys.prefix(1).map(\.term), at: now + 86_400 - 601) == nil)
    #expect(keys[1].term.createdAt < keys[1].term.signsAt && keys[1].term.signsAt == keys[0].term.retiresAt)
    let directory = SigningKeyCache(seal: EdgeBuilder.seal, logger: .init(label: "test")) { [keys] in keys }
    #expect(try await directory.signer(at: now + 10)?.id == keys[0].id)
    #expect(try await directory.signer(at: now + 86_400 - 100)?.id == keys[0].id)
    #expect(try await directory.signer(at: now + 86_400 + 1)?.id == keys[1].id)
    let published = try await directory.keys().published(at: now + 86_400 + 1)
    #expect(published.map(\.id) == keys.map(\.id))
    #expect(try await directory.keys().published(at: now + 86_400 + 3700).map(\.id) == keys.dropFirst().map(\.id))
    let otherSeal = try #require(KeySeal(secret: "another secret of 16 characters"))
    #expect(throws: (any Error).self) { try otherSeal.open(keys[0].sealedPrivateKey, id: keys[0].id) }
    #expect(throws: (any Error).self) { try EdgeBuilder.seal.open(keys[0].sealedPrivateKey, id: keys[1].id) }
    #expect(KeySeal(secret: "short") == nil)
  }
}
