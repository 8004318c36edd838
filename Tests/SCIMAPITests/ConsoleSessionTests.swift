import Credentials
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Sessions of the console", .timeLimit(.minutes(10)))
struct ConsoleSessionTests {
  private static let cookie = "rollcall_session"

  @Test("A token with the scope admin opens a session, in an HttpOnly, SameSite cookie without the token")
  func signIn() async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      let page = try await browser.open("/console/sign-in")
      #expect(page.status == 200 && page.text.contains("type=\"password\""))
      #expect(page.headers["referrer-policy"] == "same-origin" && page.headers["cache-control"] == "no-store")
      let answer = try await browser.signIn(next: "/console/groups?q=a")
      #expect(answer.status == 303 && answer.headers["location"] == "/console/groups?q=a")
      let set = try #require(answer.headers["set-cookie"])
      for part in ["; Path=/;", "; HttpOnly", "; SameSite=Lax", "; Max-Age=43"] { #expect(set.contains(part), "\(set)") }
      #expect(!set.contains("Secure") && !set.contains("Domain"))
      #expect(store.sessions.count == 1)
      #expect(builder.sentCommands.entries.map(\.actor) == [.console("Okta")])
      // The cookie does not contain the token.
      #expect(!set.contains(builder.token.text))
    }
  }

  @Test("Over TLS the cookie has the prefix __Host-, and a cookie without it is ignored")
  func secure() async throws {
    let (builder, _) = EdgeBuilder.withConsole { $0.publicURL = "https://app.example.com/" }
    try await serving(builder) { client in
      var browser = Browser(client)
      let answer = try await browser.submit("/console/sign-in", ["token": client.token], headers: ["Origin": "https://app.example.com"])
      #expect(answer.headers["set-cookie"]?.hasPrefix("__Host-rollcall_session=") == true)
      #expect(answer.headers["set-cookie"]?.hasSuffix("; Secure") == true)
      let value = try #require(browser.cookies["__Host-rollcall_session"])
      browser.cookies = [Self.cookie: value]
      #expect(try await browser.open("/console/sign-out").status != 200)
      browser.cookies = [Self.cookie: value]
      #expect(try await browser.submit("/console/sign-out", ["formToken": "x"]).headers["location"]?.hasPrefix("/console/sign-in") == true)
    }
  }

  @Test(
    "Other tokens open no session, and the error says why",
    arguments: [("scim", 403), ("revoked", 401), ("unknown", 401), ("nonsense", 401), ("", 422)])
  func wrongTokens(_ what: String, _ status: Int) async throws {
    let (builder, store) = EdgeBuilder.withConsole { builder in
      if what == "scim" { builder.scopes = [.scim] }
      if what == "revoked" { builder.revokedAt = Date() }
    }
    try await serving(builder) { client in
      var browser = Browser(client)
      let others = ["unknown": AccessToken.made(for: builder.workspace).text, "nonsense": "<script>alert(1)</script>", "": ""]
      let token = others[what] ?? client.token
      let answer = try await browser.submit("/console/sign-in", ["token": token])
      #expect(answer.status == status)
      #expect(answer.text.contains("aria-invalid=\"true\"") && answer.headers["content-type"] == "text/html; charset=utf-8")
      #expect(answer.headers["set-cookie"] == nil && store.sessions.isEmpty)
      #expect(!answer.text.contains("<script>alert") && (token.isEmpty || !answer.text.contains(token)))
    }
  }

  @Test("Guessing tokens, sessions or links is rate limited")
  func guessing() async throws {
    let (builder, _) = EdgeBuilder.withConsole { $0.rates.unauthenticated = Rate(perSecond: 0.01, burst: 5) }
    try await serving(builder) { client in
      var browser = Browser(client)
      for _ in 0..<2 {
        #expect(try await browser.submit("/console/sign-in", ["token": AccessToken.made(for: builder.workspace).text]).status == 401)
        #expect(try await browser.open("/console/link?key=\(LinkKey.made(for: builder.workspace).text)").status == 401)
      }
      browser.cookies[Self.cookie] = SessionKey(id: .made(at: Date()), secret: .made(for: builder.workspace)).text
      #expect(try await browser.submit("/console/sign-out", [:]).status == 303)
      #expect(browser.cookies.isEmpty)
      let answer = try await browser.submit("/console/sign-in", ["token": AccessToken.made(for: builder.workspace).text])
      #expect(answer.status == 429 && answer.headers["content-type"] == "text/html; charset=utf-8")
      // The body of a limited request is not read: a form that is too large gets 429, not 413.
      for (path, field) in [("/console/sign-in", "token"), ("/console/link", "key")] {
        #expect(try await browser.submit(path, [field: String(repeating: "a", count: 5000)]).status == 429)
      }
    }
  }

  @Test("Forms without a session are limited to 4 kB", arguments: [("/console/sign-in", "token"), ("/console/link", "key")])
  func largeForms(_ path: String, _ field: String) async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      for (count, status) in [(3000, 401), (4097, 413)] {
        let answer = try await browser.submit(path, [field: String(repeating: "a", count: count)])
        #expect(answer.status == status)
      }
      #expect(store.sessions.isEmpty)
    }
  }

  @Test("U+0000 in a form or a URL is rejected, and no command is sent")
  func nullCharacters() async throws {
    let (builder, _) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      let signIn = try await browser.submit("/console/sign-in", ["token": "a\0"])
      #expect(signIn.status == 400 && signIn.text.contains("U+0000"))
      _ = try await browser.signIn()
      let sent = builder.sentCommands.entries.count
      let form = try #require(Browser.formToken(in: try await browser.open("/console/settings/api/new").text))
      let made = try await browser.submit("/console/settings/api/new", ["formToken": form, "name": "a\0b", "scope": "scim"])
      #expect(made.status == 400 && made.text.contains("U+0000"), "\(made.text)")
      for path in [
        "/console/members?q=a%00b", "/console/provisioning?who=%00", "/console/groups?q=%00", "/console/settings/api/new?kind=%00",
      ] {
        let answer = try await browser.open(path)
        #expect(answer.status == 400 && answer.text.contains("U+0000"), "\(path): \(answer.text)")
      }
      #expect(builder.sentCommands.entries.count == sent)
    }
  }

  @Test("The cookie of a flash message has the attributes of the session cookie", arguments: [true, false])
  func flashMessageCookie(isSecure: Bool) throws {
    let builder = EdgeBuilder()
    let session = ConsoleSession(caller: try builder.record.authorized(for: .scim, at: Date()), name: "", seed: [1])
    let cookie = SessionCookie(isSecure: isSecure)
    let layout = try ConsoleLayout()
    let set = layout.redirect(to: "/console", message: FlashMessage(text: "Done."), in: session, cookie: cookie).headers[.setCookie]
    let page = ConsolePage(title: "Members", section: .members, template: try ConsoleTemplate(Array("nobody".utf8)), values: "")
    let cleared = layout.response(page, for: session, message: FlashMessage(text: "Done."), cookie: cookie).headers[.setCookie]
    for header in [set, cleared] {
      #expect(header?.hasPrefix("rollcall_message=") == true && header?.contains("; HttpOnly; SameSite=Lax") == true)
      #expect(header?.hasSuffix("; Secure") == isSecure)
    }
  }

  @Test("A flash message shows success or failure, and is rejected if it was modified")
  func flashMessages() async throws {
    let builder = EdgeBuilder()
    let session = ConsoleSession(caller: try builder.record.authorized(for: .scim, at: Date()), name: "", seed: [1])
    let layout = try ConsoleLayout()
    let page = ConsolePage(title: "Members", section: .members, template: try ConsoleTemplate(Array("nobody".utf8)), values: "")
    for (message, notice) in [
      (FlashMessage(text: "Sent & done."), #"<p class="notice good" role="status">Sent &amp; done.</p>"#),
      (FlashMessage(text: "Refused with 409.", isFailure: true), #"<p class="notice bad" role="alert">Refused with 409.</p>"#),
    ] {
      let set = layout.redirect(to: "/console", message: message, in: session, cookie: SessionCookie(isSecure: false)).headers[.setCookie]
      let cookie = try #require(set?.prefix { $0 != ";" })
      func request(_ cookie: some StringProtocol) -> Request {
        Request(
          head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/console", headerFields: [.cookie: String(cookie)]),
          body: RequestBody(buffer: ByteBuffer()))
      }
      let received = layout.message(in: request(cookie), of: session)
      #expect(received == message)
      #expect(layout.message(in: request(cookie.dropLast()), of: session) == nil)
      #expect(try await layout.response(page, for: session, message: received).text().contains(notice))
    }
  }

  @Test("A session from before the sign-in is never adopted")
  func fixation() async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      let planted = SessionKey(id: .made(at: Date()), secret: .made(for: builder.workspace)).text
      var victim = Browser(client)
      victim.cookies[Self.cookie] = planted
      _ = try await victim.signIn()
      let own = try #require(victim.cookies[Self.cookie])
      #expect(own != planted)
      // Neither the id nor the secret is known to the attacker.
      #expect(SessionKey(own)?.secret.seed != SessionKey(planted)?.secret.seed && SessionKey(own)?.id != SessionKey(planted)?.id)
      var attacker = Browser(client)
      attacker.cookies[Self.cookie] = planted
      #expect(try await attacker.submit("/console/sign-out", [:]).headers["location"] == "/console/sign-in")
      // A planted valid session of the attacker is not adopted either.
      _ = try await attacker.signIn()
      let good = try #require(attacker.cookies[Self.cookie])
      victim.cookies[Self.cookie] = good
      _ = try await victim.signIn()
      #expect(victim.cookies[Self.cookie] != good && store.sessions.count == 3)
    }
  }

  @Test("A link asks for confirmation and opens one session")
  func link() async throws {
    let (builder, store) = EdgeBuilder.withConsole { $0.settings.name = "<b>Acme</b>" }
    try await serving(builder) { client in
      let (key, late) = (store.link(), store.link(until: Date() - 1))
      var browser = Browser(client)
      for _ in 0..<2 {
        let page = try await browser.open("/console/link?key=\(key.text)")
        #expect(page.status == 200 && page.text.contains("&lt;b&gt;Acme&lt;/b&gt;") && !page.text.contains("<b>Acme"))
        #expect(page.headers["referrer-policy"] == "strict-origin")
      }
      #expect(store.sessions.isEmpty)
      #expect(try await browser.submit("/console/link", ["key": key.text], headers: ["Origin": "https://evil.example"]).status == 403)
      let answer = try await browser.submit("/console/link", ["key": key.text])
      #expect(answer.status == 303 && browser.cookies[Self.cookie] != nil && store.sessions.count == 1)
      var second = Browser(client)
      for answer in [try await second.submit("/console/link", ["key": key.text]), try await second.open("/console/link?key=\(key.text)")] {
        #expect(answer.status == 403 && answer.text.contains("used already"))
      }
      #expect(try await second.submit("/console/link", ["key": late.text]).text.contains("expired"))
      #expect(try await second.submit("/console/link", ["key": "x"]).status == 401)
      #expect(second.cookies.isEmpty && store.sessions.count == 1)
    }
  }

  @Test("Signing out ends the session in the browser and in the store, and requires the session's form token")
  func signOut() async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var (browser, other) = (Browser(client), Browser(client))
      _ = try await browser.signIn()
      _ = try await other.signIn()
      let (form, foreign) = (try formToken(of: browser, store, builder), try formToken(of: other, store, builder))
      let kept = browser.cookies
      for token in ["", "nonsense", foreign] {
        let answer = try await browser.submit("/console/sign-out", ["formToken": token])
        #expect(answer.status == 403 && answer.text.contains("Nothing was changed"))
      }
      for headers in [
        ["Origin": "https://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
      ] {
        #expect(try await browser.submit("/console/sign-out", ["formToken": form], headers: headers).status == 403)
      }
      #expect(store.sessions.allSatisfy { $0.token.revokedAt == nil } && browser.cookies == kept)
      let session = try #require(SessionKey(browser.cookies[Self.cookie] ?? "")).id
      let answer = try await browser.submit("/console/sign-out", ["formToken": form], headers: ["Sec-Fetch-Site": "same-origin"])
      #expect(builder.sentCommands.entries.last?.session == session && builder.sentCommands.entries.first?.session == nil)
      #expect(answer.status == 303 && answer.headers["location"] == "/console/sign-in" && browser.cookies.isEmpty)
      #expect(store.sessions.count { $0.token.revokedAt != nil } == 1)
    }
  }

  /// The form token of the browser's session.
  private func formToken(of browser: Browser, _ store: ConsoleStore, _ builder: EdgeBuilder) throws -> String {
    let key = try #require(SessionKey(browser.cookies[Self.cookie] ?? ""))
    let record = try #require(store.sessions.first { $0.token.token == key.id })
    return ConsoleSession(caller: try record.token.authorized(for: .admin, at: Date()), name: "", seed: key.secret.seed).formToken
  }

  /// Makes the session's secret old enough to be rotated, and uses the session until it has a new one.
  private func awaitNewSecret(of id: TokenID, in store: ConsoleStore, _ browser: inout Browser) async throws {
    let first = browser.cookies[Self.cookie]
    store.change(id) { $0.startedAt = Date() - 16 * 60 }
    // The session is cached for up to a second.
    try await eventually("a new secret", within: .seconds(20)) {
      _ = try await browser.submit("/console/sign-out", [:])
      return browser.cookies[Self.cookie] != first
    }
  }

  @Test("A session gets a new secret when its own is old, the previous one stays valid for a minute, and so do open forms")
  func rotation() async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      _ = try await browser.signIn()
      let first = try #require(browser.cookies[Self.cookie])
      let id = try #require(SessionKey(first)).id
      let form = try formToken(of: browser, store, builder)
      // Rejected without a form token, but the session is used.
      _ = try await browser.submit("/console/sign-out", [:])
      #expect(browser.cookies[Self.cookie] == first)
      try await awaitNewSecret(of: id, in: store, &browser)
      let second = try #require(browser.cookies[Self.cookie])
      // The new secret is valid immediately, despite the cache, and so is the previous one in another tab.
      var tab = browser
      tab.cookies[Self.cookie] = first
      #expect(try await browser.submit("/console/sign-out", [:]).status == 403)
      #expect(try await tab.submit("/console/sign-out", [:]).status == 403)
      #expect(tab.cookies[Self.cookie] == first && browser.cookies[Self.cookie] == second)
      let rotations = builder.sentCommands.entries.filter { if case .rotateSecret = $0.operation { true } else { false } }
      #expect(rotations.map(\.actor) == [.service("scim-api")])
      // The form was opened with the previous secret.
      #expect(try await browser.submit("/console/sign-out", ["formToken": form]).headers["location"] == "/console/sign-in")
      #expect(browser.cookies.isEmpty)
    }
  }

  @Test("A replaced secret that is no longer valid ends the session, because its cookie was copied")
  func copied() async throws {
    let (builder, store) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      _ = try await browser.signIn()
      let first = try #require(browser.cookies[Self.cookie])
      let id = try #require(SessionKey(first)).id
      try await awaitNewSecret(of: id, in: store, &browser)
      // An unknown secret does not end the session.
      var guesser = browser
      guesser.cookies[Self.cookie] = SessionKey(id: id, secret: .made(for: builder.workspace)).text
      #expect(try await guesser.submit("/console/sign-out", [:]).status == 303)
      #expect(store.sessions.allSatisfy { $0.token.revokedAt == nil })
      store.change(id) { $0.token.former?.until = Date() - 1 }
      try await eventually("the session's end", within: .seconds(20)) {
        var thief = browser
        thief.cookies[Self.cookie] = first
        _ = try await thief.submit("/console/sign-out", [:])
        return store.sessions.allSatisfy { $0.token.revokedAt != nil }
      }
      #expect(try await browser.submit("/console/sign-out", [:]).headers["location"] == "/console/sign-in")
      let revocations = builder.sentCommands.entries.filter { if case .revokeToken = $0.operation { true } else { false } }
      #expect(revocations.map(\.actor) == [.service("scim-api")])
    }
  }

  @Test("A secret is rotated when it is old, and again if the response with the new one was lost")
  func due() {
    let now = Date()
    let (present, former, other) = (SHA256.hash(data: Data("a".utf8)), SHA256.hash(data: Data("b".utf8)), SHA256.hash(data: Data("c".utf8)))
    let builder = EdgeBuilder()
    var token = builder.record
    token.digest = Array(present)
    func isDue(_ shown: SHA256.Digest, started: TimeInterval, formerUntil: TimeInterval? = nil) -> Bool {
      token.former = formerUntil.map { .init(digest: Array(former), until: now + $0) }
      return SessionRotation.isDue(SessionRecord(token: token, startedAt: now - started), shown: shown, at: now)
    }
    #expect(!isDue(present, started: 14 * 60) && isDue(present, started: 15 * 60))
    // The session is old, but its secret is not.
    #expect(!isDue(present, started: 3 * 3600, formerUntil: 59) && !isDue(present, started: 3 * 3600, formerUntil: -13 * 60))
    #expect(isDue(present, started: 3 * 3600, formerUntil: -14 * 60))
    #expect(!isDue(former, started: 3 * 3600, formerUntil: 59) && isDue(former, started: 3 * 3600, formerUntil: 29))
    #expect(!isDue(other, started: 3 * 3600, formerUntil: 29))
  }

  @Test("A session keeps its secret while the store is unavailable")
  func storeUnavailable() async throws {
    let (made, store) = EdgeBuilder.withConsole()
    var changed = made
    changed.reply = { command in
      if case .rotateSecret = command.operation { throw APIError(503, "away") }
      return store.take(command)
    }
    let builder = changed
    try await serving(builder) { client in
      var browser = Browser(client)
      _ = try await browser.signIn()
      let first = browser.cookies
      for session in store.sessions { store.change(session.token.token) { $0.startedAt = Date() - 3600 } }
      try await eventually("a rotation", within: .seconds(20)) {
        let answer = try await browser.submit("/console/sign-out", [:])
        #expect(answer.status == 403)
        return builder.sentCommands.entries.count == 2
      }
      for _ in 0..<3 { #expect(try await browser.submit("/console/sign-out", [:]).status == 403) }
      #expect(browser.cookies == first)
      // The rotation is not retried with every request.
      #expect(builder.sentCommands.entries.count == 2)
    }
  }

  @Test("A session ends with the token that opened it and when it expires, and is invalid at another workspace's domain")
  func ends() async throws {
    let (builder, store) = EdgeBuilder.withConsole { $0.domains = ["other.example": .made(at: Date()), "own.example": $0.workspace] }
    let now = Date()
    try await serving(builder) { client in
      var browser = Browser(client)
      _ = try await browser.signIn()
      let kept = browser.cookies
      for (host, isAccepted) in [("other.example", false), ("own.example", true)] {
        browser.cookies = kept
        let answer = try await browser.submit("/console/sign-out", [:], headers: ["Host": host, "Origin": "http://\(host)"])
        #expect((answer.status == 403) == isAccepted, "\(host): \(answer.status)")
        let signedIn = try await browser.submit(
          "/console/sign-in", ["token": client.token], headers: ["Host": host, "Origin": "http://\(host)"])
        #expect(signedIn.status == (isAccepted ? 303 : 401))
      }
      #expect(try await browser.open("/console/sign-in").status == 200)
      browser.cookies = kept
      store.revoke(builder.tokenID)
      try await eventually("the session's end", within: .seconds(20)) {
        try await browser.submit("/console/sign-out", [:]).headers["location"] == "/console/sign-in"
      }
    }
    var session = try #require(store.sessions.first)
    #expect(session.isValid(at: now))
    session.opener?.expiresAt = now
    #expect(!session.isValid(at: now) && session.isValid(at: now - 1))
    session.opener?.expiresAt = nil
    session.opener?.scopes = [.scim]
    #expect(!session.isValid(at: now))
    session.opener = nil
    // The session was opened after `now`.
    #expect(session.isValid(at: now) && !session.isValid(at: Date() + 12 * 3600))
  }

  @Test(
    "The sign-in redirects only to the console",
    arguments: [
      ("/console/members?q=a&x=%2F", "/console/members?q=a&x=%2F"), ("/console", "/console"), ("https://evil.example", "/console"),
      ("//evil.example/console", "/console"), ("/consolation", "/console"), ("/console/../x", "/console"), ("/console//evil", "/console"),
      ("/console/\\evil", "/console"), ("/console/a\r\nSet-Cookie: a=b", "/console"), ("javascript:alert(1)", "/console"),
      ("/console/sign-in", "/console"), ("/console/sign-out", "/console"), ("", "/console"),
    ])
  func next(_ wanted: String, _ path: String) {
    #expect(ConsolePath.next(wanted) == path)
  }

  @Test("An unknown path of the console returns an HTML page, and the provisioning log has no requests of the console")
  func pages() async throws {
    let (builder, _) = EdgeBuilder.withConsole()
    try await serving(builder) { client in
      var browser = Browser(client)
      for path in ["/console/nothing", "/console/members/x/y/z"] {
        let answer = try await browser.open(path)
        #expect(answer.status == 404 && answer.headers["content-type"] == "text/html; charset=utf-8" && answer.text.contains("<h1>"))
      }
      #expect(try await browser.open("/console").headers["location"] == "/console/sign-in")
      #expect(try await client.sendRaw("DELETE", "/console/sign-in", "", headers: [:]).status == 405)
      #expect(try await client.sendRaw("GET", "/nothing", "", headers: [:]).headers["content-type"]?.contains("json") == true)
      _ = try await browser.signIn()
      #expect(try await browser.submit("/console/sign-out", [:]).status == 403)
      #expect(builder.log.take(100).isEmpty)
    }
  }
}
