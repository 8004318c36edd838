import Foundation
import HTTPTypes
import Models
import ServiceKit
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Hosts, proxies and client addresses")
struct SiteTests {
  private static let proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"].compactMap { AddressRange($0) }

  private func request(_ host: String?, _ headers: [String: String] = [:]) -> HTTPRequest {
    var fields: HTTPFields = [:]
    for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
    return HTTPRequest(method: .get, scheme: "http", authority: host, path: "/", headerFields: fields)
  }

  @Test(
    "Only headers of trusted proxies are used",
    arguments: [
      ("203.0.113.9", "http://app.example.com:8080", "203.0.113.9"), ("10.1.2.3", "https://scim.acme.example", "198.51.100.4"),
      ("::ffff:10.1.2.3", "https://scim.acme.example", "198.51.100.4"), ("fd12::1", "https://scim.acme.example", "198.51.100.4"),
      ("192.0.2.8", "http://app.example.com:8080", "192.0.2.8"),
    ])
  func proxies(peer: String, site: String, address: String) throws {
    let request = request(
      "App.example.com:8080",
      [
        "X-Forwarded-Host": "scim.Acme.example, inner.example", "X-Forwarded-Proto": "https, http",
        "X-Forwarded-For": "8.8.8.8, 198.51.100.4:5123, 10.9.9.9",
      ])
    let origin = try OriginRule(trustedProxies: Self.proxies).origin(of: request, peer: Peer(peer))
    #expect("\(origin.scheme)://\(origin.authority)" == site)
    #expect(origin.address == address)
  }

  @Test("Without valid forwarding headers the connection determines the origin")
  func invalidForwardingHeaders() throws {
    let rule = OriginRule(trustedProxies: Self.proxies)
    let origin = try rule.origin(of: request("app.example.com"), peer: Peer("10.1.2.3"))
    #expect(origin == Origin(scheme: "http", authority: "app.example.com", address: "10.1.2.3"))
    let nonsense = request("app.example.com", ["X-Forwarded-Proto": "gopher", "X-Forwarded-For": "nobody", "X-Forwarded-Host": ""])
    #expect(try rule.origin(of: nonsense, peer: Peer("10.1.2.3")) == origin)
    #expect(throws: APIError.self) { try rule.origin(of: request("app.example.com", ["X-Forwarded-Host": "a/b"]), peer: Peer("10.1.2.3")) }
  }

  @Test(
    "An invalid host is rejected",
    arguments: [
      nil, "", "a/b", "a\"b", "a b", String(repeating: "a", count: 256), "-a.example", "a-.example", "a-", "a..b", ".a", "a:", "a:0",
      "a:65536", "a:1x", "a:1:2", ":1", "[::1", "[::1]x", "[a]", String(repeating: "a", count: 64),
    ])
  func host(_ host: String?) {
    #expect(throws: APIError.self) { try OriginRule().origin(of: request(host), peer: Peer("10.1.2.3")) }
  }

  @Test(
    "A valid host is a name or an address with an optional port",
    arguments: [
      ("Scim.acme.example", "scim.acme.example"), ("a-b_c.example.:8443", "a-b_c.example"), ("a:1", "a"), ("a:65535", "a"),
      ("192.0.2.1:80", "192.0.2.1"), ("[::1]", "[::1]"), ("[2001:DB8::1]:443", "[2001:db8::1]"),
      (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
    ])
  func validHost(authority: String, host: String) throws {
    let origin = try OriginRule().origin(of: request(authority), peer: Peer("10.1.2.3"))
    #expect(origin.authority == authority.lowercased())
    #expect(origin.host == host)
  }

  @Test(
    "Address ranges contain their addresses",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.128/25", "192.0.2.127", false),
      ("192.0.2.128/25", "192.0.2.200", true), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false), ("::1", "::1", true),
      ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false), ("10.0.0.1", "10.0.0.1", true),
    ])
  func ranges(range: String, address: String, isIn: Bool) throws {
    let range = try #require(AddressRange(range))
    #expect(range.contains(try #require(IPAddress(address))) == isIn)
  }

  @Test(
    "Invalid address ranges are rejected",
    arguments: ["", "10", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "example.com", "10.0.0.0/x"])
  func invalidRanges(_ text: String) {
    #expect(AddressRange(text) == nil)
  }

  @Test(
    "URLs in responses have the custom domain of the request, otherwise the deployment's host",
    arguments: [
      ("https://app.example.com/", "scim.acme.example", "https://scim.acme.example", true),
      ("https://app.example.com/", "scim.acme.example.:8443", "https://scim.acme.example.:8443", true),
      ("https://app.example.com/", "app.example.com", "https://app.example.com", false),
      ("https://app.example.com/", "whatever.example", "https://app.example.com", false),
      (nil, "scim.acme.example", "http://scim.acme.example", true), (nil, "whatever.example:8080", "http://whatever.example:8080", false),
      ("https://scim.acme.example", "scim.acme.example", "https://scim.acme.example", false),
    ])
  func sites(publicURL: String?, host: String, url: String, isWorkspaces: Bool) async throws {
    var builder = EdgeBuilder()
    builder.publicURL = publicURL
    builder.domains = ["scim.acme.example": builder.workspace]
    let sites = builder.sites
    let site = try await sites.site(of: try sites.origins.origin(of: request(host), peer: Peer(nil)))
    #expect(site.url == url)
    #expect(site.workspace == (isWorkspaces ? builder.workspace : nil))
    #expect(site.baseURL.location(.group, "7") == "\(url)/api/v2/scim/Groups/7")
  }

  @Test("Unknown hosts cause no query, and unchanged domains are not read again")
  func unknownHosts() async throws {
    let workspace = WorkspaceID.made(at: Date())
    let reads = Journal<Int64?>()
    let directory = DomainCache { known in
      reads.record(known)
      return known == 4 ? nil : DomainCache.Domains(version: 4, workspaces: ["scim.acme.example": workspace])
    }
    for number in 0..<1000 { #expect(try await directory.workspace(of: "host-\(number).example") == nil) }
    #expect(try await directory.workspace(of: "scim.acme.example") == workspace)
    #expect(reads.entries.count < 5)
    try await eventually("a check for changed domains") {
      _ = try await directory.workspace(of: "scim.acme.example")
      return reads.entries.last == 4
    }
    #expect(try await directory.workspace(of: "scim.acme.example") == workspace)
  }

  @Test("A token is valid at its own workspace's domain, and rejected with a reason at another's")
  func otherDomain() async throws {
    var builder = EdgeBuilder()
    builder.publicURL = nil
    builder.domains = ["scim.acme.example": builder.workspace, "scim.other.example": .made(at: Date())]
    try await serving(builder) { [builder] client in
      let own = try await client.send("GET", "/ServiceProviderConfig", headers: ["Host": "scim.acme.example"])
      #expect(own.status == 200)
      #expect(own.text.contains("http://scim.acme.example/api/v2/scim/ServiceProviderConfig"))
      let other = try await client.send("GET", "/ServiceProviderConfig", headers: ["Host": "scim.other.example"])
      #expect(other.status == 401)
      #expect(other.headers["www-authenticate"]?.contains("invalid_token") == true)
      #expect(other.detail.contains("scim.other.example"))
      #expect(other.detail.contains("another workspace"))
      let shared = try await client.send("GET", "/ServiceProviderConfig")
      #expect(shared.status == 200)
      #expect(shared.text.contains("http://127.0.0.1:\(client.port)/api/v2/scim"))
      let sent = builder.sentCommands.entries
      #expect(sent.isEmpty)
    }
  }

  @Test("The settings for proxies and cursor lifetime are validated")
  func settings() async throws {
    func read(_ environment: [String: String]) async throws -> ServiceSettings {
      try await ServiceSettings.read(service: "scim-api", settings: EdgeSettings.all, environment: environment)
    }
    let good = try await read([
      "ROLLCALL_HTTP_TRUSTED_PROXIES": "10.0.0.0/8, ::1", "ROLLCALL_OAUTH_TOKEN_LIFETIME": "10m",
      "ROLLCALL_OAUTH_KEY": "a secret of 16 characters",
    ])
    #expect(try good.addressRanges(.trustedProxies) == ["10.0.0.0/8", "::1"].compactMap { AddressRange($0) })
    #expect(try good.accessTokenLifetime() == 600)
    #expect(try good.keySeal() != nil)
    #expect(try await read([:]).addressRanges(.trustedProxies).isEmpty)
    #expect(try await read([:]).keySeal() == nil)
    let bad = try await read([
      "ROLLCALL_HTTP_TRUSTED_PROXIES": "10.0.0.0/8,proxy.example", "ROLLCALL_OAUTH_TOKEN_LIFETIME": "2h", "ROLLCALL_OAUTH_KEY": "short",
    ])
    let proxies = #expect(throws: SettingsError.self) { try bad.addressRanges(.trustedProxies) }
    #expect(proxies?.description.contains("proxy.example") == true)
    #expect(throws: SettingsError.self) { try bad.accessTokenLifetime() }
    let key = #expect(throws: SettingsError.self) { try bad.keySeal() }
    #expect(key?.description.contains("short") == false)
  }
}
