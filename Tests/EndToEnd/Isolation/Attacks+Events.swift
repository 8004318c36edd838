import Credentials
import Foundation
import TestSupport
import Testing

extension Attacks {
  static let events: Attack = { attacker in
    let token = try await attacker.eventsToken(of: attacker.workspace)
    // Once the victim has events, the attacker could see them.
    let theirs = try await attacker.victimsCursor()
    // The attacker may have sent the victim's names and ids before, so only the workspaces of the events tell.
    let own = try await attacker.events(token: token)
    let workspaces = own.json["events"].map { ($0 as? [[String: Any]] ?? []).map { $0["workspace"] as? String } } ?? []
    #expect(own.status == 200 && workspaces.count >= 2, "\(own.text)")
    #expect(Set(workspaces) == [AccessToken(token)?.workspace.description], "\(own.text)")
    let cursor = try await attacker.send("GET", "/api/v2/events?after=\(theirs)", token: token)
    #expect(cursor.status == 400 && !cursor.text.contains(attacker.victim.marker), "\(cursor.text)")
    for name in [attacker.victim.workspace.slug, "\(attacker.workspace.slug),\(attacker.victim.workspace.slug)"] {
      let named = try await attacker.send("GET", "/api/v2/events?workspace=\(name)", token: token)
      #expect(named.status == 403, "\(named.text)")
    }
    #expect(try await attacker.inVictimsName("/api/v2/events", token: token) == 403)
  }

  static let eventSnapshot: Attack = { attacker in
    let token = try await attacker.eventsToken(of: attacker.workspace)
    let own = try await attacker.send("GET", "/api/v2/events/snapshot", token: token)
    #expect(own.status == 200 && !own.text.contains(attacker.victim.marker) && !own.text.contains(attacker.victim.user), "\(own.text)")
    let named = try await attacker.send("GET", "/api/v2/events/snapshot?workspace=\(attacker.victim.workspace.slug)", token: token)
    #expect(named.status == 403, "\(named.text)")
    #expect(try await attacker.inVictimsName("/api/v2/events/snapshot", token: token) == 403)
  }
}

extension Attacker {
  fileprivate func eventsToken(of workspace: Workspace) async throws -> String {
    let printed = try await workspace.scimctl(["token", "issue", "--name", "events", "--scope", "events"])
    return try #require(printed.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.hasPrefix("rollcall_") })
  }

  /// A cursor of the victim's events, after at least one.
  fileprivate func victimsCursor() async throws -> String {
    let token = try await eventsToken(of: victim.workspace)
    var cursor: String?
    try await eventually("an event of the victim") {
      let page = try await events(limit: 1, token: token)
      guard page.text.contains(victim.marker) else { return false }
      cursor = page.json["cursor"] as? String
      return true
    }
    return try #require(cursor)
  }

  /// The first events that `token` can read.
  fileprivate func events(limit: Int = 1000, token: String) async throws -> HTTPResponse {
    let url = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/events?limit=\(limit)")
    return try await HTTP.send("GET", url, headers: ["Authorization": "Bearer \(token)"])
  }

  /// The status of a request of the attacker that names the victim's workspace in the header.
  fileprivate func inVictimsName(_ path: String, token: String) async throws -> Int {
    let url = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: path)
    return try await HTTP.send(
      "GET", url, headers: ["Authorization": "Bearer \(token)", "Rollcall-Workspace": victim.workspace.slug]
    ).status
  }
}
