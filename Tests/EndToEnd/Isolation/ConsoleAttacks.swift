import Foundation
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// The queries and form fields that another workspace's admin sends to each route of the console.
///
/// Every route is also requested with each id of the victim in the path, and without a valid session.
enum ConsoleAttacks {
  /// The queries or forms to send, each a list of fields.
  typealias Attempts = @Sendable (ConsoleTargets) -> [[(String, String)]]

  /// The attempts by the route's name.
  static let all: [String: Attempts] = [
    "POST /console/sign-out": { _ in [] },
    "GET /console/settings/api": { targets in targets.ids.map { [("after", $0)] } + [[("show", "ended")]] },
    "GET /console/settings/api/new": { _ in [[("kind", "client")]] },
    // The victim's ids for a new token of the attacker.
    "POST /console/settings/api/new": { targets in
      targets.ids.map { [("token", $0), ("name", "own"), ("scope", "scim")] }
    },
    "GET /console/settings/api/{id}": { _ in [] },
    "POST /console/settings/api/{id}/rotate": { targets in targets.ids.map { [("successor", $0), ("grace", "0")] } },
    "POST /console/settings/api/{id}/revoke": { _ in [[]] },
    "GET /console": { targets in targets.ids.map { [("q", $0)] } },
    "GET /console/members": { targets in
      targets.ids.map { [("cursor", $0)] } + [
        [("q", String(targets.victim.marker.dropLast()))], [("state", "invited"), ("order", "newest")],
      ]
    },
    "GET /console/members/{id}": { targets in targets.ids.map { [("before", $0)] } },
    "POST /console/members/{id}/resend": { _ in [[("back", "list")]] },
    "POST /console/members/{id}/revoke": { _ in [[("back", "list")]] },
    "GET /console/groups": { targets in targets.ids.map { [("cursor", $0)] } + [[("q", String(targets.victim.marker.dropLast()))]] },
    "GET /console/groups/{id}": { targets in targets.ids.map { [("state", "pending"), ("cursor", $0)] } },
    "GET /console/provisioning": { targets in
      targets.ids.flatMap { [[("who", $0)], [("after", $0)]] } + [[("who", String(targets.victim.marker.dropLast())), ("failed", "1")]]
    },
    "GET /console/provisioning/entries/{id}": { _ in [[]] },
    "POST /console/provisioning/entries/{id}/replay": { _ in [[]] },
    "GET /console/provisioning/health": { _ in [[]] },
    "GET /console/provisioning/drift": { targets in targets.ids.map { [("days", "1"), ("after", $0)] } },
    "GET /console/provisioning/held": { targets in targets.ids.map { [("after", $0)] } },
    "POST /console/provisioning/held/{id}/approve": { _ in [[]] },
    "POST /console/provisioning/held/{id}/reject": { _ in [[]] },
    // Forms apply to the attacker's workspace, whatever they name.
    "GET /console/settings/scim": { targets in targets.ids.map { [("guide", $0)] } },
    "POST /console/settings/scim/opt-in": { targets in targets.ids.map { [("workspace", $0), ("version", "1"), ("scim", "off")] } },
    "POST /console/settings/scim/profile": { targets in targets.ids.map { [("workspace", $0), ("version", "1"), ("profile", "okta")] } },
    "POST /console/settings/scim/names": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("relink", "never"), ("duplicateGroupNames", "allow")] }
    },
    "POST /console/settings/scim/roles": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("customRoles", "attacker"), ("defaultRole", "viewer")] }
    },
    "POST /console/settings/scim/invitations": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("sending", "none")] }
    },
    "GET /console/settings/access": { _ in [[]] },
    "POST /console/settings/access/domains": { targets in
      targets.ids.map { [("workspace", $0), ("newDomain", "attacker.example")] }
    },
    "POST /console/settings/access/domains/verify": { targets in
      [[("domain", ConsoleTargets.domain), ("workspace", targets.victim.workspace.slug)]]
    },
    "POST /console/settings/access/domains/remove": { targets in
      [[("domain", ConsoleTargets.domain), ("workspace", targets.victim.workspace.slug)]]
    },
    "POST /console/settings/access/other-domains": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("otherDomains", "reject")] }
    },
    "POST /console/settings/access/accounts": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("accountLinking", "reject")] }
    },
    "POST /console/settings/access/last-admin": { targets in
      targets.ids.map { [("workspace", $0), ("version", "1"), ("holdsLastAdmin", "on"), ("notify", "it@attacker.example")] }
    },
    "GET /console/accounts": { targets in
      targets.ids.flatMap { [[("cursor", $0)], [("waiting", $0), ("show", "all")]] } + [[("show", "linked")]]
    },
    "POST /console/accounts/link": { targets in targets.ids.map { [("user", $0), ("account", "a")] } },
    "POST /console/accounts/decline": { targets in targets.ids.map { [("user", $0)] } },
    "POST /console/accounts/unlink": { targets in targets.ids.map { [("user", $0)] } },
    "GET /console/settings/webhooks": { _ in [[]] },
    "GET /console/settings/webhooks/new": { _ in [[]] },
    "POST /console/settings/webhooks/new": { targets in
      targets.ids.map { [("seed", $0), ("webhook", $0), ("url", "https://hooks.attacker.example/"), ("receives", "all")] }
    },
    "GET /console/settings/webhooks/{id}": { targets in targets.ids.map { [("workspace", $0)] } },
    "GET /console/settings/webhooks/{id}/edit": { _ in [[]] },
    "POST /console/settings/webhooks/{id}/edit": { targets in
      targets.ids.map { [("webhook", $0), ("version", "1"), ("url", "https://hooks.attacker.example/"), ("receives", "all")] }
    },
    "GET /console/settings/webhooks/{id}/deliveries": { targets in
      targets.ids.map { [("workspace", $0), ("cursor", $0)] } + [[("failed", "1")]]
    },
    "GET /console/settings/webhooks/{id}/delivery": { targets in targets.ids.map { [("at", "1769846400000000"), ("delivery", $0)] } },
    "POST /console/settings/webhooks/{id}/enable": { targets in targets.ids.map { [("webhook", $0)] } },
    "POST /console/settings/webhooks/{id}/disable": { targets in targets.ids.map { [("webhook", $0)] } },
    "POST /console/settings/webhooks/{id}/delete": { targets in targets.ids.map { [("webhook", $0)] } },
    "POST /console/settings/webhooks/{id}/rotate": { targets in targets.ids.map { [("webhook", $0), ("version", "1"), ("overlap", "0")] } },
    "POST /console/settings/webhooks/{id}/test": { targets in targets.ids.map { [("webhook", $0)] } },
    "POST /console/settings/webhooks/{id}/redeliver": { targets in
      targets.ids.map { [("webhook", $0), ("workspace", $0), ("since", "2026-01-31T08:00")] }
    },
    "POST /console/settings/webhooks/{id}/skip": { targets in
      targets.ids.map { [("webhook", $0), ("workspace", $0), ("sequence", "1")] }
    },
    "GET /console/audit": { targets in targets.ids.map { [("after", $0)] } + [[("refused", "yes")]] },
  ]
}

/// The victim's data that the console shows.
struct ConsoleTargets: Sendable {
  let victim: Victim
  /// Ids of the victim's users, groups, tokens, sessions, audit entries and webhook endpoints.
  let ids: [String]
  /// A mail domain of the victim.
  static let domain = "isolated-mail-domain.example"
  /// The browser of the victim's admin.
  let browser: ConsoleBrowser
  private let tokens: String
  /// The form of the victim's webhook endpoint, and its page about access.
  private let settings: [String]

  init(_ victim: Victim) async throws {
    self.victim = victim
    let workspace = victim.workspace
    var browser = try await workspace.admin(named: "admin of \(victim.marker)")
    let webhook = try await browser.createWebhook("https://hooks.victim.example/\(victim.marker)")
    let added = try await browser.submit(
      "/console/settings/access/domains", [("newDomain", Self.domain)], from: "/console/settings/access")
    try #require(added.status == 303, "\(added.text)")
    // Shows the message about the new domain, so that later pages do not.
    _ = try await browser.open("/console/settings/access")
    settings = try await Self.settings(webhook: webhook, &browser)
    self.browser = browser
    tokens = try await Self.tokensAndSessions(of: workspace)
    let first = { (text: String) in text.split(separator: "\n").first?.split(separator: " ").map(String.init) ?? [] }
    let (session, audited) = (try await workspace.scimctl(["console", "sessions"]), try await workspace.scimctl(["audit", "list"]))
    let token = try await workspace.scimctl(["token", "list"])
    ids = [victim.user, victim.group, webhook] + [first(token).first, first(session).first, first(audited).last].compactMap { $0 }
  }

  /// Whether nothing has changed.
  func areUntouched() async throws -> Bool {
    guard try await Self.tokensAndSessions(of: victim.workspace) == tokens else { return false }
    var browser = browser
    guard try await Self.settings(webhook: ids[2], &browser) == settings else { return false }
    return try await victim.isUntouched()
  }

  /// The pages with the victim's webhook endpoint and settings.
  private static func settings(webhook: String, _ browser: inout ConsoleBrowser) async throws -> [String] {
    var pages: [String] = []
    for path in ["/console/settings/webhooks/\(webhook)/edit", "/console/settings/access"] {
      let page = try await browser.open(path)
      try #require(page.status == 200, "\(path): \(page.text)")
      pages.append(page.text)
    }
    return pages
  }

  /// All tokens and sessions, without their last use.
  private static func tokensAndSessions(of workspace: Workspace) async throws -> String {
    let tokens = try await workspace.scimctl(["token", "list"]).split(separator: "\n").map { line in
      line.split(separator: " ").prefix(3).joined(separator: " ")
    }
    return tokens.joined(separator: "\n") + (try await workspace.scimctl(["console", "sessions"]))
  }
}

/// An admin of another workspace who is signed in to its console.
final class ConsoleAttacker {
  private let workspace: Workspace
  private let victim: Victim
  private let targets: ConsoleTargets
  private var browser: ConsoleBrowser
  /// The id of an own webhook endpoint.
  private let webhook: String

  init(_ workspace: Workspace, against victim: Victim, _ targets: ConsoleTargets) async throws {
    self.workspace = workspace
    self.victim = victim
    self.targets = targets
    var browser = try await workspace.admin(named: "attacker")
    webhook = try await browser.createWebhook("https://hooks.attacker.example/")
    self.browser = browser
  }

  /// Requests a route without a session, with mixed ids and secrets of both sessions, and with invalid sessions.
  func tryWithoutSession(_ route: Route) async throws {
    let own = try #require(browser.session).split(separator: ".")
    let theirs = try #require(targets.browser.session).split(separator: ".")
    for session in ["", "nonsense", "\(theirs[0]).\(own[1])", "\(own[0]).\(theirs[1])", "\(theirs[0]).x"] {
      var other = browser
      other.cookies = session.isEmpty ? [:] : [ConsoleBrowser.sessionCookie: session]
      let path = route.pattern.replacingOccurrences(of: "{id}", with: victim.user)
      let answer = route.method == "GET" ? try await other.open(path) : try await other.submit(path, [("formToken", "x")])
      #expect(answer.status == 303 && answer.headers["location"]?.hasPrefix("/console/sign-in") == true, "\(route.name): \(answer.status)")
      expectNoData(of: answer, "\(route.name) without a session")
    }
  }

  /// Requests a route with each id of the victim in the path.
  func tryIDs(_ route: Route) async throws {
    guard route.pattern.contains("{id}") else {
      if route.method == "GET" { try await attempt(route, []) }
      return
    }
    for id in targets.ids {
      let path = route.pattern.replacingOccurrences(of: "{id}", with: id)
      let answer = try await send(route, path, [("successor", UUID().uuidString.lowercased())])
      #expect((400..<500).contains(answer.status), "\(route.name) with \(id): \(answer.status)")
      expectNoData(of: answer, "\(route.name) with \(id)")
    }
  }

  /// Requests a route with a query or submits a form.
  func attempt(_ route: Route, _ fields: [(String, String)]) async throws {
    // The path names the attacker's token or webhook endpoint if possible; the fields name the victim's data.
    let id: String
    if route.pattern.contains("/settings/api/"), !route.pattern.hasSuffix("/revoke") {
      id = try await workspace.scimctl(["token", "list"]).split(separator: " ").first.map(String.init) ?? ""
    } else {
      id = route.pattern.contains("/settings/webhooks/") && !route.pattern.hasSuffix("/delete") ? webhook : victim.user
    }
    let answer = try await send(route, route.pattern.replacingOccurrences(of: "{id}", with: id), fields)
    #expect(answer.status < 500, "\(route.name) \(fields): \(answer.status)")
    expectNoData(of: answer, "\(route.name) \(fields)")
  }

  private func send(_ route: Route, _ path: String, _ fields: [(String, String)]) async throws -> HTTPResponse {
    if route.method == "GET" {
      let query = fields.map { "\($0)=\(ConsoleBrowser.encoded($1))" }.joined(separator: "&")
      return try await browser.open(query.isEmpty ? path : "\(path)?\(query)")
    }
    // Signing out affects only the own session, which is still needed.
    if path.hasSuffix("/sign-out") { return try await browser.open("/console/settings/api") }
    return try await browser.submit(path, fields, from: "/console/settings/api/new")
  }

  private func expectNoData(of answer: HTTPResponse, _ what: String) {
    #expect(!answer.text.contains(victim.marker) && !answer.text.contains("victim.example"), "\(what): \(answer.text)")
  }
}

extension ConsoleBrowser {
  /// Creates a webhook endpoint, and returns its id.
  fileprivate mutating func createWebhook(_ url: String) async throws -> String {
    let form = try await open("/console/settings/webhooks/new").text
    let seed = form.firstMatch(of: /name="seed" value="([^"]*)"/)
    let fields = [
      ("seed", String(try #require(seed, "\(form)").output.1)), ("url", url), ("receives", "all"),
      ("formToken", Self.formToken(in: form) ?? ""),
    ]
    let created = try await submit("/console/settings/webhooks/new", fields).text
    let id = created.firstMatch(of: /\/console\/settings\/webhooks\/([0-9a-f-]{36})"/)
    return String(try #require(id, "\(created)").output.1)
  }
}
