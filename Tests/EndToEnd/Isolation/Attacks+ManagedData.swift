import Foundation
import TestSupport
import Testing

// The attacks on the data of the management API: members, groups, held changes, log, audit, receipts, rebuilds, health and webhooks.
extension Attacks {
  private static let webhook = #"{"url":"https://hooks.attacker.example/","description":"Own"}"#

  static let managedData: [String: Attack] = {
    var attacks: [String: Attack] = [:]
    let workspace = "/api/v2/admin/workspaces/{workspace}"
    let lists: [String: [String]] = [
      "/members": ["state=invited", "q=MARKER", "state=invited&order=newest", "name=USERNAME"], "/groups": ["q=Team"],
      "/held-changes": ["status=decided"],
      "/provisioning-log": ["subject=USERNAME", "subject=USER", "subject=GROUP"], "/audit": ["action=issue-token"],
      "/receipts": ["member=USER"], "/rebuilds": [], "/health": [], "/webhooks": [], "/invitations": ["member=USER", "state=sent"],
      "/directory/differences": [], "/roles": [], "/console/sessions": [],
    ]
    for (path, filters) in lists {
      attacks["GET \(workspace)\(path)"] = list(path, filters)
    }
    let routes: [(String, String, String?)] = [
      ("GET", "/members/{id}", nil), ("GET", "/members/{id}/timeline", nil), ("GET", "/members/{id}/export", nil),
      ("GET", "/members/{id}/erasure", nil), ("POST", "/members/{id}/erasure", nil),
      ("POST", "/members/{id}/invitation/resend", nil),
      ("POST", "/members/{id}/invitation/revoke", nil), ("GET", "/groups/{id}", nil), ("GET", "/groups/{id}/members", nil),
      ("GET", "/held-changes/{id}", nil), ("POST", "/held-changes/{id}/approve", nil), ("POST", "/held-changes/{id}/reject", nil),
      ("GET", "/provisioning-log/{id}", nil), ("POST", "/provisioning-log/{id}/replay", nil), ("GET", "/receipts/{id}", nil),
      ("GET", "/rebuilds/{id}", nil), ("GET", "/audit/{id}", nil), ("GET", "/invitations/{id}", nil),
      ("POST", "/members/{id}/publish", nil), ("POST", "/groups/{id}/publish", nil), ("DELETE", "/console/sessions/{id}", nil),
    ]
    for (method, path, body) in routes + webhookRoutes {
      attacks["\(method) \(workspace)\(path)"] = one(method, path, body)
    }
    let link = #"{"name":"Stolen"}"#
    let creations: [(String, String, String?)] = [
      ("POST", "/rebuilds", nil), ("POST", "/webhooks", webhook), ("POST", "/console/links", link),
    ]
    for (method, path, body) in creations {
      attacks["\(method) \(workspace)\(path)"] = { attacker in
        try await attackWorkspace(method, path, body, ManagedTargets.of(attacker))
      }
    }
    attacks["GET \(workspace)/ids"] = findIDs
    // The keys are public, and those of all workspaces.
    attacks["GET /api/v2/admin/signing-keys"] = { attacker in
      let targets = try await ManagedTargets.of(attacker)
      for headers in [[:], ["Rollcall-Workspace": attacker.workspace.slug]] {
        let answer = try await targets.admin.send("GET", "/signing-keys", headers: headers)
        #expect(answer.status == 200 && answer.json["keys"] != nil, "\(answer.text)")
        for id in targets.ids { #expect(!answer.text.contains(id)) }
      }
      let answer = try await targets.admin.send("GET", "/signing-keys", headers: ["Rollcall-Workspace": attacker.victim.workspace.slug])
      #expect(answer.status == 403, "\(answer.text)")
    }
    let ofDeployment: [(String, String, String?)] = [
      ("GET", "/health", nil), ("GET", "/activity", nil), ("GET", "/workspace-deletions", nil), ("POST", "/workspace-imports", "{}"),
      ("GET", "/workspace-imports/{id}", nil), ("GET", "/webhooks", nil), ("POST", "/webhooks", webhook), ("POST", "/rebuilds", nil),
    ]
    for (method, path, body) in ofDeployment + webhookRoutes {
      attacks["\(method) /api/v2/admin\(path)"] = deploymentOnly(method, path, body)
    }
    return attacks
  }()

  /// Ids of the victim are not found by their first characters.
  private static let findIDs: Attack = { attacker in
    let targets = try await ManagedTargets.of(attacker)
    try await attackWorkspace("GET", "/ids?of=members&prefix=\(targets.ids[0])", nil, targets)
    for kind in ["members", "groups", "invitations", "tokens", "receipts", "audit", "held-changes", "provisioning-log"] {
      for id in targets.ids {
        let answer = try await targets.admin.send("GET", "/workspaces/\(attacker.workspace.slug)/ids?of=\(kind)&prefix=\(id)")
        #expect(answer.status == 200 && (answer.json["ids"] as? [String]) == [], "\(kind) \(id): \(answer.text)")
      }
    }
  }

  /// The routes of one webhook endpoint, of a workspace and of the deployment.
  private static let webhookRoutes: [(String, String, String?)] = [
    ("GET", "/webhooks/{id}", nil), ("PATCH", "/webhooks/{id}", #"{"url":"https://hooks.attacker.example/"}"#),
    ("DELETE", "/webhooks/{id}", nil), ("POST", "/webhooks/{id}/enable", nil), ("POST", "/webhooks/{id}/disable", nil),
    ("POST", "/webhooks/{id}/rotate-secret", nil), ("POST", "/webhooks/{id}/test", nil), ("GET", "/webhooks/{id}/deliveries", nil),
    ("GET", "/webhooks/{id}/progress", nil), ("POST", "/webhooks/{id}/redeliver", #"{"since":"2026-01-31T08:00:00Z"}"#),
    ("POST", "/webhooks/{id}/skip", #"{"sequence":1}"#),
  ]

  /// Requests about the victim's workspace, by slug and by id; a header does not change the workspace of the path.
  private static func attackWorkspace(_ method: String, _ path: String, _ body: String?, _ targets: ManagedTargets) async throws {
    let (admin, attacker) = (targets.admin, targets.admin.attacker)
    let path = path.replacing("{id}", with: targets.webhook)
    for name in [attacker.victim.workspace.slug, admin.victimID] {
      let answer = try await admin.send(method, "/workspaces/\(name)\(path)", body)
      #expect(answer.status == 403, "\(method) \(name)\(path): \(answer.text)")
      let mixed = try await admin.send(
        method, "/workspaces/\(attacker.workspace.slug)\(path)", body, headers: ["Rollcall-Workspace": name])
      #expect(mixed.status == 400, "\(method) \(path) as \(name): \(mixed.text)")
    }
    #expect(try await targets.areUntouched(), "after \(method) \(path)")
  }

  /// Lists of the attacker's own workspace contain nothing of the victim, whatever is searched for; cursors of the victim are not valid.
  private static func list(_ path: String, _ filters: [String]) -> Attack {
    { attacker in
      let targets = try await ManagedTargets.of(attacker)
      try await attackWorkspace("GET", path, nil, targets)
      let victim = attacker.victim
      for filter in [""] + filters {
        let filled = filter.replacing("MARKER", with: victim.marker.dropLast()).replacing("USERNAME", with: victim.userName)
          .replacing("USER", with: victim.user).replacing("GROUP", with: victim.group)
        // The log and the audit trail repeat the names and ids that the attacker has sent, but have no entry of the victim.
        let answer = try await targets.admin.send(
          "GET", "/workspaces/\(attacker.workspace.slug)\(path)?\(filled)",
          sentBefore: ["/provisioning-log", "/audit"].contains(path) ? victim.userName : "")
        #expect(answer.status == 200, "\(path)?\(filled): \(answer.text)")
        let shown = (answer.json["entries"] as? [[String: Any]])?.compactMap { $0["id"] as? String }.joined(separator: " ") ?? answer.text
        for id in targets.ids where !filled.contains(id) { #expect(!shown.contains(id), "\(path)?\(filled): \(answer.text)") }
      }
      guard let cursor = try await targets.cursor(of: path) else { return }
      let answer = try await targets.admin.send("GET", "/workspaces/\(attacker.workspace.slug)\(path)?cursor=\(cursor)")
      #expect(answer.status == 400, "\(path): \(answer.text)")
    }
  }

  /// The victim's ids do not exist in the attacker's workspace, and the victim's workspace is out of reach.
  private static func one(_ method: String, _ path: String, _ body: String?) -> Attack {
    { attacker in
      let targets = try await ManagedTargets.of(attacker)
      try await attackWorkspace(method, path, body, targets)
      for id in targets.ids {
        let answer = try await targets.admin.send(
          method, "/workspaces/\(attacker.workspace.slug)\(path.replacing("{id}", with: id))", body)
        #expect(answer.status == 404, "\(method) \(path) with \(id): \(answer.text)")
      }
      #expect(try await targets.areUntouched(), "after \(method) \(path)")
    }
  }

  /// Routes without a workspace need a deployment-wide token, whatever a header names.
  private static func deploymentOnly(_ method: String, _ path: String, _ body: String?) -> Attack {
    { attacker in
      let targets = try await ManagedTargets.of(attacker)
      for headers in [[:], ["Rollcall-Workspace": attacker.workspace.slug], ["Rollcall-Workspace": attacker.victim.workspace.slug]] {
        let answer = try await targets.admin.send(method, path.replacing("{id}", with: targets.webhook), body, headers: headers)
        #expect(answer.status == 403, "\(method) \(path): \(answer.text)")
      }
      #expect(try await targets.areUntouched(), "after \(method) \(path)")
    }
  }
}

/// The victim's data in the management API.
private struct ManagedTargets: Sendable {
  /// The attacker's client.
  let admin: Attacks.Admin
  private let victim: Victim
  private let token: String
  /// The id of a webhook endpoint of the victim.
  let webhook: String
  /// The ids of a member, a group, a token, a webhook endpoint, and an entry of the log and of the audit trail.
  let ids: [String]

  /// The targets of an attacker, created once.
  static func of(_ attacker: Attacker) async throws -> ManagedTargets { try await Cache.shared.targets(of: attacker) }

  private actor Cache {
    static let shared = Cache()
    private var known: [String: Task<ManagedTargets, any Error>] = [:]

    func targets(of attacker: Attacker) async throws -> ManagedTargets {
      if let task = known[attacker.workspace.slug] { return try await task.value }
      let task = Task { try await ManagedTargets(of: attacker) }
      known[attacker.workspace.slug] = task
      return try await task.value
    }
  }

  private init(of attacker: Attacker) async throws {
    admin = try await Attacks.Admin(of: attacker)
    victim = attacker.victim
    token = try await victim.workspace.token(scope: "admin")
    let endpoints = try await Self.send("GET", "/webhooks", to: victim, token)
    if let known = Self.first(endpoints, "webhooks") {
      webhook = known
    } else {
      let made = try await Self.send(
        "POST", "/webhooks", #"{"url":"https://hooks.victim.example/","description":"\#(victim.marker)"}"#, to: victim, token)
      webhook = try #require(made.json["id"] as? String, "\(made.text)")
    }
    let others = [
      Self.first(try await Self.send("GET", "/provisioning-log", to: victim, token), "entries"),
      Self.first(try await Self.send("GET", "/audit", to: victim, token), "entries"),
      Self.first(try await Self.send("GET", "/tokens", to: victim, token), "tokens"),
    ]
    ids = [victim.user, victim.group, webhook] + others.compactMap { $0 }
  }

  /// Whether the webhook endpoint has not changed.
  func areUntouched() async throws -> Bool {
    let shown = try await Self.send("GET", "/webhooks/\(webhook)", to: victim, token)
    return shown.status == 200 && shown.headers["etag"] == "\"1\""
  }

  /// A cursor of the victim's list; nil if the list has one page.
  func cursor(of path: String) async throws -> String? {
    try await Self.send("GET", "\(path)?limit=1\(path == "/members" ? "&state=invited" : "")", to: victim, token).json["nextCursor"]
      as? String
  }

  private static func first(_ answer: HTTPResponse, _ name: String) -> String? {
    (answer.json[name] as? [[String: Any]])?.first?["id"] as? String
  }

  private static func send(
    _ method: String, _ path: String, _ body: String? = nil, to victim: Victim, _ token: String
  ) async throws -> HTTPResponse {
    let root = victim.workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin")
    let url = "\(root)/workspaces/\(victim.workspace.slug)\(path)"
    var headers = ["Authorization": "Bearer \(token)"]
    if body != nil { headers["Content-Type"] = "application/json" }
    return try await HTTP.send(method, url, headers: headers, body: body)
  }
}
