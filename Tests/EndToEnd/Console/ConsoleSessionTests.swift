import Foundation
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

extension EndToEnd {
  @Suite("Sessions of the console")
  struct ConsoleSessions {
    @Test("Revoking the token that opened a session ends it on both replicas within a second, and so does signing out")
    func ends() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let second = try await suite.secondEdge()
      let (revoked, left) = (try await workspace.admin(named: "to be revoked"), try await workspace.admin(named: "to be left"))
      try await expectEnd(of: revoked, "the token's revocation", second) {
        let line = try await workspace.scimctl(["token", "list"]).split(separator: "\n").first { $0.contains("to be revoked") }
        try await workspace.scimctl(["token", "revoke", try #require(line?.split(separator: " ").first.map(String.init))])
      }
      try await expectEnd(of: left, "the sign-out", second) {
        var browser = left
        let answer = try await browser.submit("/console/sign-out", [], from: "/console/settings/api")
        #expect(answer.headers["location"] == "/console/sign-in" && browser.session == nil)
      }
      #expect(try await workspace.scimctl(["console", "sessions"]).isEmpty)
      let audit = try await workspace.scimctl(["audit", "list"])
      #expect(audit.contains("console:to be left") && audit.contains("session"))
    }

    /// Expects that `end` ends a session on both replicas within a second.
    private func expectEnd(of browser: ConsoleBrowser, _ what: String, _ second: String, _ end: () async throws -> Void) async throws {
      var edges = [browser, ConsoleBrowser(at: second)]
      edges[1].cookies = browser.cookies
      for index in edges.indices { #expect(try await edges[index].open("/console/settings/api").status == 200, "\(what)") }
      try await end()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for edge in edges {
          group.addTask {
            try await takesEffect(what) { try await edge.opened("/console/settings/api").status == 303 }
          }
        }
        try await group.waitForAll()
      }
    }

    @Test("A link opens one session, and the operator lists and ends sessions")
    func link() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let printed = try await workspace.scimctl(["console", "link", "--for", "Ana <b>Silva</b>"])
      let link = printed.trimmingCharacters(in: .whitespacesAndNewlines)
      var (ana, late) = (ConsoleBrowser(at: workspace.identityProvider.baseURL), ConsoleBrowser(at: try await suite.secondEdge()))
      #expect(link.hasPrefix(ana.site + "/console/link?key=rollcall_link_"), "\(link)")
      let path = String(link.dropFirst(ana.site.count))
      let key = try #require(path.split(separator: "=").last.map(String.init))
      for _ in 0..<2 {
        let page = try await ana.open(path)
        #expect(page.status == 200 && page.text.contains("Ana &lt;b&gt;Silva&lt;/b&gt;") && ana.session == nil)
      }
      // Two browsers use the link at the same time on two replicas.
      let (here, there) = (ana, late)
      async let first = there.submitted("/console/link", [("key", key)])
      async let other = here.submitted("/console/link", [("key", key)])
      let both = [try await first, try await other]
      #expect(both.map(\.answer.status).sorted() == [303, 403], "\(both.map(\.answer.status))")
      #expect(try await late.submit("/console/link", [("key", key)]).text.contains("used already"))
      let winner = try #require(both.first { $0.answer.status == 303 }).browser
      let page = try await winner.opened("/console/settings/api")
      #expect(page.status == 200 && page.text.contains("Ana &lt;b&gt;Silva&lt;/b&gt;") && !page.text.contains("<b>Silva"))
      let listed = try await workspace.scimctl(["console", "sessions"])
      #expect(listed.contains("link Ana <b>Silva</b>"), "\(listed)")
      #expect(try await !workspace.scimctl(["token", "list"]).contains("Silva"))
      try await workspace.scimctl(["console", "sign-out", try #require(listed.split(separator: " ").first.map(String.init))])
      try await takesEffect("the operator's end of a session") { try await winner.opened("/console/settings/api").status == 303 }
      for (service, log) in await suite.logs { #expect(!log.contains(key), "the log of \(service)") }
    }

    @Test("A form without the session's token, with another session's, or sent by another site changes nothing")
    func forgery() async throws {
      let workspace = try await Deployment.shared().workspace()
      var (victim, other) = (try await workspace.admin(named: "victim"), try await workspace.admin(named: "other"))
      let page = "/console/settings/api/new"
      let good = try #require(ConsoleBrowser.formToken(in: try await victim.open(page).text))
      let foreign = try #require(ConsoleBrowser.formToken(in: try await other.open(page).text))
      let fields = [("name", "forged"), ("scope", "scim")]
      for (token, headers) in [
        (nil, [:]), ("", [:]), (foreign, [:]), (String(good.dropLast()), [:]), (good, ["Origin": "https://evil.example"]),
        (good, ["Origin": "null"]), (good, ["Sec-Fetch-Site": "cross-site"]), (good, ["Sec-Fetch-Site": "same-site"]),
        (good, ["Content-Type": "text/plain"]),
      ] as [(String?, [String: String])] {
        let answer = try await victim.submit(page, fields + (token.map { [("formToken", $0)] } ?? []), headers: headers)
        #expect([403, 415].contains(answer.status), "\(token ?? "none") \(headers): \(answer.status)")
      }
      #expect(try await !workspace.scimctl(["token", "list"]).contains("forged"))
      // The sign-in form is protected against login CSRF, too.
      var browser = ConsoleBrowser(at: workspace.identityProvider.baseURL)
      let token = try await workspace.adminToken()
      let answer = try await browser.submit("/console/sign-in", [("token", token)], headers: ["Origin": "https://evil.example"])
      #expect(answer.status == 403 && browser.session == nil)
      #expect(try await victim.submit(page, fields + [("formToken", good)]).status == 200)
      #expect(try await workspace.scimctl(["token", "list"]).contains("forged"))
    }

    @Test("A session id planted before the sign-in is not adopted")
    func fixation() async throws {
      let workspace = try await Deployment.shared().workspace()
      let token = try await workspace.adminToken()
      let signedOut = ConsoleBrowser(at: workspace.identityProvider.baseURL)
      var (attacker, victim) = (signedOut, signedOut)
      let own = try await workspace.admin(named: "attacker")
      for planted in ["nonsense", "018f0000-0000-7000-8000-000000000000.rollcall_session_AAAA", try #require(own.session)] {
        victim.cookies = [ConsoleBrowser.sessionCookie: planted]
        _ = try await victim.open("/console/sign-in")
        #expect(try await victim.signIn(with: token).status == 303)
        let session = try #require(victim.session)
        #expect(session != planted && session.split(separator: ".").first != planted.split(separator: ".").first)
        #expect(session.suffix(40) != planted.suffix(40))
        #expect(try await victim.open("/console/settings/api").text.contains("<span class=\"who\">admin</span>"))
        attacker.cookies = [ConsoleBrowser.sessionCookie: planted]
        let page = try await attacker.open("/console/settings/api")
        // The planted session stays invalid, or the attacker's own.
        #expect(page.status == 303 || page.text.contains("<span class=\"who\">attacker</span>"))
      }
    }

    @Test("Markup in names is escaped on every page")
    func markup() async throws {
      let workspace = try await Deployment.shared().workspace()
      // U+0600 and U+0301 form grapheme clusters with their neighbours, which browsers ignore.
      let markup = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{name}} \u{600}<b\u{600}>\"\u{301} x=y"
      var admin = try await workspace.admin(named: markup)
      try await workspace.scimctl(["token", "issue", "--name", markup, "--scope", "scim", "--expires-in", "1d"])
      let idp = workspace.identityProvider
      let json = String(decoding: try JSONSerialization.data(withJSONObject: markup, options: .fragmentsAllowed), as: UTF8.self)
      let user = try await idp.send(
        "POST", "/Users",
        body: #"""
          {"userName":"markup@example.com","displayName":\#(json),"name":{"givenName":\#(json),"familyName":\#(json)},"title":\#(json)}
          """#)
      let userID = try #require(user.json["id"] as? String, "\(user.text)")
      let group = try await idp.send("POST", "/Groups", body: #"{"displayName":\#(json),"members":[{"value":"\#(userID)"}]}"#)
      let groupID = try #require(group.json["id"] as? String, "\(group.text)")
      _ = try await idp.send("PATCH", "/Users/\(UUID().uuidString.lowercased())", body: #"{"displayName":\#(json)}"#)
      try await workspace.scimctl(["workspace", "update", workspace.slug, "--name", markup])
      let line = try await workspace.scimctl(["token", "list"]).split(separator: "\n").first { $0.contains("script") }
      let tokenID = try #require(line?.split(separator: " ").first.map(String.init))
      let routes = Routes()
      for route in routes.console where route.method == "GET" {
        for id in route.pattern.contains("{id}") ? [userID, groupID, tokenID] : [""] {
          let path = route.pattern.replacingOccurrences(of: "{id}", with: id)
          let searches = ["q", "who", "from", "action"].map { "?\($0)=\(ConsoleBrowser.encoded(markup))" }
          for query in ["", "?state=invited", "?kind=client"] + searches {
            let page = try await admin.open(path + query)
            #expect(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "\(path)\(query)")
            let scalars = page.text.unicodeScalars
            for raw in ["\u{600}<b", "b\u{600}>", "\"\u{301}"] {
              #expect(!scalars.contains(raw.unicodeScalars), "\(path)\(query) has \(raw.debugDescription)")
            }
            #expect(page.headers["content-security-policy"]?.contains("script-src 'self'") == true || page.status == 303, "\(path)\(query)")
          }
        }
      }
      // The pages did contain the names.
      #expect(try await admin.open("/console/settings/api").text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
      #expect(try await admin.open("/console/settings/api/\(tokenID)").text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    }

    @Test("A token is created, rotated and revoked in the console, and its secret shown once")
    func tokens() async throws {
      let workspace = try await Deployment.shared().workspace()
      var admin = try await workspace.admin()
      let page = "/console/settings/api/new"
      #expect(try await admin.submit(page, [("name", ""), ("scope", "scim")], from: page).status == 422)
      #expect(try await admin.submit(page, [("name", "x")], from: page).status == 422)
      let form = try await admin.open(page).text
      let id = try #require(form.firstMatch(of: /name="token" value="([^"]*)"/).map { String($0.1) })
      let fields = [("token", id), ("name", "Okta"), ("scope", "scim"), ("expiry", "90")]
      let made = try await admin.submit(page, fields, from: page)
      let secret = try #require(made.text.firstMatch(of: /<code id="secret">([^<]*)</).map { String($0.1) }, "\(made.text)")
      #expect(made.text.contains("/api/v2/scim/"))
      let idp = IdentityProvider(baseURL: workspace.identityProvider.baseURL, token: secret)
      #expect(try await idp.send("GET", "/Users").status == 200)
      // Submitting the form again creates nothing and fails.
      #expect(try await admin.submit(page, fields, from: page).status == 409)
      #expect(try await !admin.open("/console/settings/api").text.contains(secret))
      try await eventually("the use of the token to be shown") {
        try await admin.open("/console/settings/api/\(id)").text.contains("127.0.0.1")
      }
      let rotated = try await admin.submit(
        "/console/settings/api/\(id)/rotate", [("successor", UUID().uuidString.lowercased()), ("grace", "none"), ("expiry", "365")],
        from: "/console/settings/api/\(id)")
      let successor = try #require(rotated.text.firstMatch(of: /<code id="secret">([^<]*)</).map { String($0.1) }, "\(rotated.text)")
      for token in [secret, successor] {
        #expect(try await IdentityProvider(baseURL: idp.baseURL, token: token).send("GET", "/Users").status == 200)
      }
      let revoked = try await admin.submit("/console/settings/api/\(id)/revoke", [], from: "/console/settings/api/\(id)")
      #expect(revoked.status == 303 && revoked.headers["location"] == "/console/settings/api")
      #expect(try await admin.open("/console/settings/api").text.contains("is revoked"))
      try await takesEffect("the revocation") { try await idp.send("GET", "/Users").status == 401 }
      let audit = try await admin.open("/console/audit").text
      #expect(audit.contains("admin, at the console") && audit.contains("Token revoked") && audit.contains("Signed in to the console"))
      // Revoking the token of the session signs out.
      let own = try await workspace.scimctl(["token", "list"]).split(separator: "\n").first { $0.hasSuffix(" admin") }
      let ownID = try #require(own?.split(separator: " ").first.map(String.init))
      #expect(try await admin.open("/console/settings/api/\(ownID)").text.contains("you will be signed out"))
      let left = try await admin.submit("/console/settings/api/\(ownID)/revoke", [], from: "/console/settings/api/\(ownID)")
      #expect(left.headers["location"] == "/console/sign-in" && admin.session == nil)
    }
  }
}

extension ConsoleBrowser {
  /// Opens a page without changing the cookies.
  func opened(_ path: String) async throws -> HTTPResponse {
    var browser = self
    return try await browser.open(path)
  }

  /// Submits a form, and returns the response and the browser with its new cookies.
  func submitted(_ path: String, _ fields: [(String, String)]) async throws -> (answer: HTTPResponse, browser: ConsoleBrowser) {
    var browser = self
    return (try await browser.submit(path, fields), browser)
  }
}
