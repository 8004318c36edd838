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
    "GET /console/audit": { targets in targets.ids.map { [("after", $0)] } + [[("refused", "yes")]] },
  ]
}

/// The victim's data that the console shows.
struct ConsoleTargets: Sendable {
  let victim: Victim
  /// Ids of the victim's users, groups, tokens, sessions and audit entries.
  let ids: [String]
  /// The browser of the victim's admin.
  let browser: ConsoleBrowser
  private let tokens: String

  init(_ victim: Victim) async throws {
    self.victim = victim
    let workspace = victim.workspace
    browser = try await workspace.admin(named: "admin of \(victim.marker)")
    tokens = try await Self.tokensAndSessions(of: workspace)
    let first = { (text: String) in text.split(separator: "\n").first?.split(separator: " ").map(String.init) ?? [] }
    let (session, audited) = (try await workspace.scimctl(["console", "sessions"]), try await workspace.scimctl(["audit", "list"]))
    let token = try await workspace.scimctl(["token", "list"])
    ids = [victim.user, victim.group] + [first(token).first, first(session).first, first(audited).last].compactMap { $0 }
  }

  /// Whether nothing has changed.
  func areUntouched() async throws -> Bool {
    guard try await Self.tokensAndSessions(of: victim.workspace) == tokens else { return false }
    return try await victim.isUntouched()
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

  init(_ workspace: Workspace, against victim: Victim, _ targets: ConsoleTargets) async throws {
    self.workspace = workspace
    self.victim = victim
    self.targets = targets
    browser = try await workspace.admin(named: "attacker")
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
    // The path names the attacker's token if possible; the fields name the victim's data.
    let own = try await workspace.scimctl(["token", "list"]).split(separator: " ").first.map(String.init) ?? ""
    let id = route.pattern.contains("/settings/api/") && !route.pattern.hasSuffix("/revoke") ? own : victim.user
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
