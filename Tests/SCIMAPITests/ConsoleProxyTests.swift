import Foundation
import HTTPTypes
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("A proxy that signs people in to the console", .timeLimit(.minutes(10)))
struct ConsoleProxyTests {
  private static let person = HTTPField.Name("X-Forwarded-Email")!
  private static let workspace = HTTPField.Name("X-Workspace")!

  private func builder(trusting proxies: String? = "127.0.0.1") -> (builder: EdgeBuilder, store: ConsoleStore) {
    EdgeBuilder.withConsole { builder in
      builder.trustedProxies = proxies.flatMap { AddressRange($0) }.map { [$0] } ?? []
      builder.proxyHeaders = ProxyHeaders(person: Self.person, workspace: Self.workspace)
    }
  }

  @Test("opens a session for the named user, which is used while the proxy names the same user")
  func person() async throws {
    let (builder, store) = builder()
    try await serving(builder) { client in
      var browser = Browser(client)
      browser.headers = ["X-Forwarded-Email": "ana@example.com", "X-Workspace": "acme"]
      for _ in 0..<3 {
        let answer = try await browser.submit("/console/sign-out", [:])
        #expect(answer.status == 403)
      }
      #expect(store.sessions.map(\.token.name) == ["ana@example.com"] && store.sessions.first?.opener == nil)
      #expect(builder.sentCommands.entries.map(\.actor) == [.console("ana@example.com")])
      let anas = browser.cookies
      // The proxy names another user, or none: the session is not used.
      browser.headers["X-Forwarded-Email"] = "ben@example.com"
      let bens = try await browser.submit("/console/sign-out", [:])
      #expect(bens.status == 403)
      #expect(Set(store.sessions.map(\.token.name)) == ["ana@example.com", "ben@example.com"] && browser.cookies != anas)
      browser.headers = [:]
      browser.cookies = anas
      let nobodys = try await browser.submit("/console/sign-out", [:])
      #expect(nobodys.status == 303)
    }
  }

  @Test("is ignored if its address is not trusted or a header occurs twice")
  func forged() async throws {
    for (proxies, headers, status) in [
      (nil, ["X-Forwarded-Email": "ana@example.com", "X-Workspace": "acme"], 303),
      ("192.0.2.1", ["X-Forwarded-Email": "ana@example.com", "X-Workspace": "acme"], 303),
      ("127.0.0.1", ["X-Forwarded-Email": "ana@example.com\r\nX-Forwarded-Email: eve@example.com", "X-Workspace": "acme"], 400),
      ("127.0.0.1", ["X-Forwarded-Email": "ana@example.com", "X-Workspace": "nobodys"], 403),
      ("127.0.0.1", ["X-Forwarded-Email": "ana@example.com"], 403), ("127.0.0.1", ["X-Workspace": "acme"], 303),
    ] as [(String?, [String: String], Int)] {
      let (builder, store) = builder(trusting: proxies)
      try await serving(builder) { client in
        var browser = Browser(client)
        browser.headers = headers
        let answer = try await browser.submit("/console/sign-out", [:])
        #expect(answer.status == status, "\(headers)")
        #expect(browser.cookies.isEmpty && store.sessions.isEmpty)
      }
    }
  }

  @Test("determines the workspace by the domain if no workspace header is configured")
  func domain() async throws {
    let (made, store) = builder()
    var builder = made
    builder.domains = ["own.example": builder.workspace, "other.example": .made(at: Date())]
    builder.proxyHeaders = ProxyHeaders(person: Self.person)
    try await serving(builder) { client in
      var browser = Browser(client)
      for (headers, status) in [
        (["X-Forwarded-Host": "own.example"], 403), (["X-Forwarded-Host": "other.example"], 303),
      ] {
        browser.cookies = [:]
        browser.headers = headers.merging(["X-Forwarded-Email": "ana@example.com", "Origin": "http://\(headers["X-Forwarded-Host"] ?? "")"])
        { $1 }
        let answer = try await browser.submit("/console/sign-out", [:], headers: browser.headers)
        #expect(answer.status == status, "\(headers): \(answer.text)")
      }
    }
    // The other domain has no such workspace.
    #expect(store.sessions.count == 1)
  }

  @Test("must name the workspace in each request if configured, and a session of another workspace is not used")
  func workspace() async throws {
    let (made, store) = builder()
    var builder = made
    builder.domains = ["own.example": builder.workspace, "other.example": .made(at: Date())]
    try await serving(builder) { client in
      var browser = Browser(client)
      for (host, slug, opened) in [("own.example", "acme", 1), ("other.example", "acme", 1), ("own.example", "", 1)] {
        browser.cookies = [:]
        browser.headers = ["X-Forwarded-Host": host, "X-Workspace": slug, "X-Forwarded-Email": "ana@example.com"]
        let answer = try await browser.submit("/console/sign-out", [:], headers: ["Origin": "http://\(host)"])
        #expect(answer.status == 403 && store.sessions.count == opened, "\(host) \(slug): \(answer.text)")
        #expect(answer.text.contains("&#39;X-Workspace&#39; is missing") == slug.isEmpty, "\(answer.text)")
      }
      browser.headers = ["X-Workspace": "acme", "X-Forwarded-Email": "ana@example.com"]
      #expect(try await browser.submit("/console/sign-out", [:]).status == 403)
      let kept = browser.cookies
      #expect(store.sessions.count == 2 && !kept.isEmpty)
      // The proxy names another workspace: the session of the first one is not used.
      for slug in ["others", ""] {
        browser.headers["X-Workspace"] = slug
        browser.cookies = kept
        let answer = try await browser.submit("/console/sign-out", [:])
        #expect(answer.status == 403 && !answer.text.contains("belongs to an earlier session"), "\(slug): \(answer.text)")
      }
      #expect(store.sessions.count == 2)
    }
  }

  @Test("opens a limited number of sessions per user, and none for cross-site subresource requests")
  func openings() async throws {
    let (made, store) = builder()
    var builder = made
    builder.rates.opening = Rate(perSecond: 0.001, burst: 3)
    func fetch(_ site: String, _ mode: String, _ destination: String) -> [String: String] {
      ["Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination]
    }
    let (page, form) = ("/console/settings/api/new", "/console/sign-out")
    let cases: [(path: String, person: String, headers: [String: String], status: Int, sessions: Int)] = [
      (page, "ana", fetch("cross-site", "no-cors", "image"), 303, 0), (page, "ana", fetch("same-site", "cors", "empty"), 303, 0),
      (page, "ana", fetch("cross-site", "navigate", "iframe"), 303, 0), (form, "ana", fetch("cross-site", "navigate", "document"), 303, 0),
      (page, "ana", fetch("cross-site", "navigate", "document"), 200, 1), (page, "ana", fetch("none", "navigate", "document"), 200, 2),
      (form, "ana", [:], 403, 3), (page, "ana", [:], 429, 3), (page, "ana", [:], 429, 3), (page, "ben", [:], 200, 4),
    ]
    try await serving(builder) { client in
      var browser = Browser(client)
      for one in cases {
        browser.cookies = [:]
        browser.headers = ["X-Workspace": "acme", "X-Forwarded-Email": one.person].merging(one.headers) { $1 }
        let answer = one.path == page ? try await browser.open(page) : try await browser.submit(form, [:])
        #expect(answer.status == one.status && store.sessions.count == one.sessions, "\(one)")
      }
      // An existing session stays valid.
      let answer = try await browser.open(page)
      #expect(answer.status == 200 && store.sessions.count == 4)
    }
  }

  @Test("is off by default, and sessions that a proxy opened before are invalid then")
  func off() {
    let builder = EdgeBuilder()
    let session = SessionRecord(token: builder.record, startedAt: Date())
    #expect(!ConsoleSessions.matches(nil, session))
    #expect(ConsoleSessions.matches(.init(person: "Okta"), session) && !ConsoleSessions.matches(.init(person: "Ana"), session))
    let slugs = ["acme", "others"].filter { ConsoleSessions.matches(.init(person: "Okta", slug: $0), session) }
    #expect(slugs == ["acme"])
    var opened = session
    opened.opener = .init(id: builder.tokenID, kind: .token, scopes: [.admin])
    #expect(ConsoleSessions.matches(nil, opened) && !ConsoleSessions.matches(.init(person: "Okta"), opened))
  }
}
