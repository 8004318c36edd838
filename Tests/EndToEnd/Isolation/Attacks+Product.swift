import Foundation
import TestSupport
import Testing

// The attacks on the routes for the product, the mail system and OAuth clients.
extension Attacks {
  static let directoryGroups: Attack = { attacker in
    let product = try await Product(of: attacker)
    let own = try await product.get("/groups")
    #expect(own.status == 200 && !own.text.contains(attacker.victim.group), "\(own.text)")
    try await product.expectNoUse(ofCursorFrom: "/groups", "/groups")
  }

  static let directoryGroupMembers: Attack = { attacker in
    let product = try await Product(of: attacker)
    for state in ["visible", "pending", "held", "all"] {
      let answer = try await product.get("/groups/\(attacker.victim.group)/members?state=\(state)")
      #expect(answer.status == 404, "\(answer.text)")
    }
  }

  static let directoryMembers: Attack = { attacker in
    let product = try await Product(of: attacker)
    for state in ["active", "invited", "disabled"] {
      let answer = try await product.get("/members?state=\(state)")
      #expect(answer.status == 200 && !answer.text.contains(attacker.victim.user), "\(answer.text)")
    }
    try await product.expectNoUse(ofCursorFrom: "/members?state=invited&limit=1", "/members?state=invited")
  }

  static let directoryReceipts: Attack = { attacker in
    let product = try await Product(of: attacker)
    _ = try await product.victimsReceipt()
    #expect(try await product.get("/receipts").json["receipts"] as? [String] ?? [] == [])
    let ofMember = try await product.get("/receipts?member=\(attacker.victim.user)")
    #expect((ofMember.json["receipts"] as? [Any] ?? []).isEmpty, "\(ofMember.text)")
  }

  static let directoryReceipt: Attack = { attacker in
    let product = try await Product(of: attacker)
    let answer = try await product.get("/receipts/\(product.victimsReceipt())")
    #expect(answer.status == 404, "\(answer.text)")
  }

  static let directoryKeys: Attack = { attacker in
    let answer = try await Product(of: attacker).get("/jwks")
    #expect(answer.status == 200 && !answer.text.contains("\"d\""), "public keys alone: \(answer.text)")
  }

  static let mailEvents: Attack = { attacker in
    let victim = attacker.victim
    try await eventually("the victim's invitation to be sent") {
      try await victim.workspace.scimctl(["invitation", "list"]).contains("sent")
    }
    let line = try #require(try await victim.workspace.scimctl(["invitation", "list"]).split(separator: "\n").first)
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let invitation = words.first(where: { UUID(uuidString: $0) != nil }) else { throw CocoaError(.keyValueValidation) }
    _ = try await attacker.workspace.identityProvider.create("bounced@attacker.example")
    try await eventually("the attacker's own invitation to be sent") {
      try await attacker.workspace.scimctl(["invitation", "list", "--state", "sent"]).contains("bounced@attacker.example")
    }
    let token = try await attacker.workspace.token(scope: "admin")
    for body in [
      #"{"event":"bounced","invitation":"\#(invitation)","reason":"x"}"#,
      #"{"event":"bounced","email":"\#(victim.userName)","reason":"x"}"#,
      #"{"event":"bounced","messageId":"<\#(invitation)@rollcall.example>","reason":"x"}"#,
      #"{"event":"bounced","email":"bounced@attacker.example","reason":"x"}"#,
    ] {
      let answer = try await attacker.send("POST", "/api/v2/mail-events", body, token: token)
      #expect(answer.status == 202, "\(answer.text)")
    }
    // When the attacker's own report has taken effect, its earlier ones have been processed.
    try await eventually("the attacker's own invitation to have bounced", within: .seconds(30)) {
      try await attacker.workspace.scimctl(["invitation", "list", "--state", "bounced"]).contains("bounced@attacker.example")
    }
    #expect(try await victim.workspace.scimctl(["invitation", "list", "--state", "bounced"]).contains("@") == false)
  }

  /// The attacks on routes that require no token, by name.
  static let open: [String: Attack] = [
    "GET /console/sign-in": console(200...200, "GET", "/console/sign-in"),
    "POST /console/sign-in": console(422...422, "POST", "/console/sign-in"),
    "GET /console/link": console(401...401, "GET", "/console/link?key=x"),
    "POST /console/link": console(401...401, "POST", "/console/link"),
    "POST /api/v2/oauth/token": oauthToken,
    "GET /.well-known/jwks.json": { attacker in
      let answer = try await attacker.open("/.well-known/jwks.json")
      #expect(answer.status == 200 && !answer.text.contains("\"d\""), "public keys alone: \(answer.text)")
    },
    "GET /api/openapi.json": { attacker in
      let answer = try await attacker.open("/api/openapi.json")
      #expect(answer.status == 200 && (answer.json["openapi"] as? String)?.hasPrefix("3.1") == true)
    },
    "GET /.well-known/oauth-authorization-server": { attacker in
      let answer = try await attacker.open("/.well-known/oauth-authorization-server")
      #expect(answer.status == 200, "\(answer.text)")
    },
  ]

  /// Requests to the console without a session. The sign-in itself is tested with the console's sessions.
  private static func console(_ statuses: ClosedRange<Int>, _ method: String, _ path: String) -> Attack {
    { attacker in
      var browser = ConsoleBrowser(at: attacker.workspace.identityProvider.baseURL)
      let answer = method == "GET" ? try await browser.open(path) : try await browser.submit(path, [("token", ""), ("key", "x")])
      #expect(statuses.contains(answer.status), "\(method) \(path): \(answer.status)")
      #expect(!answer.text.contains(attacker.victim.marker) && browser.session == nil)
    }
  }

  private static let oauthToken: Attack = { attacker in
    let victims = try await attacker.victim.workspace.scimctl(["oauth-client", "create", "--name", "idp", "--scope", "scim"])
    let own = try await attacker.workspace.scimctl(["oauth-client", "create", "--name", "idp", "--scope", "scim"])
    func credentials(in printed: String) throws -> (id: String, secret: String) {
      let words = printed.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let id = words.first(where: { UUID(uuidString: $0) != nil }), let secret = words.first(where: { $0.hasPrefix("rollcall") })
      else { throw CommandRun.Failure(command: "oauth-client create", status: 0, output: printed) }
      return (id, secret)
    }
    let (client, secret) = try credentials(in: own)
    // The victim's id with the attacker's secret.
    let mixed = try await attacker.tokenStatus(client: try credentials(in: victims).id, secret: secret)
    #expect(mixed.status == 401, "\(mixed.body)")
    // The attacker's token gives access to its own workspace only.
    let granted = try await attacker.tokenStatus(client: client, secret: secret)
    #expect(granted.status == 200, "\(granted.body)")
    let json = try #require(try JSONSerialization.jsonObject(with: Data(granted.body.utf8)) as? [String: Any])
    let token = try #require(json["access_token"] as? String)
    #expect(try await attacker.send("GET", "/Users/\(attacker.user)", token: token).status == 200)
    #expect(try await attacker.send("GET", "/Users/\(attacker.victim.user)", token: token).status == 404)
    // A modified token has no valid signature.
    var pieces = token.split(separator: ".").map(String.init)
    pieces[1] = String(pieces[1].reversed())
    #expect(try await attacker.send("GET", "/Users", token: pieces.joined(separator: ".")).status == 401)
  }

  /// A client of the directory API with the attacker's token.
  private struct Product {
    let attacker: Attacker
    let token: String

    init(of attacker: Attacker) async throws {
      self.attacker = attacker
      token = try await attacker.workspace.token(scope: "directory")
    }

    func get(_ path: String) async throws -> HTTPResponse { try await attacker.send("GET", "/api/v2/directory\(path)", token: token) }

    /// Expects that a cursor of the victim's list is rejected, if the list has a next page.
    func expectNoUse(ofCursorFrom list: String, _ path: String) async throws {
      let theirs = try await victim(list.contains("limit") ? list : "\(list)?limit=1")
      guard let cursor = theirs.json["nextCursor"] as? String else { return }
      let answer = try await get("\(path)\(path.contains("?") ? "&" : "?")cursor=\(cursor)")
      #expect(answer.status == 400, "\(answer.text)")
    }

    /// Deletes a user of the victim and returns the id of the receipt.
    func victimsReceipt() async throws -> String {
      let idp = attacker.victim.workspace.identityProvider
      let gone = try await idp.create("\(attacker.victim.marker)-gone@victim.example", givenName: attacker.victim.marker)
      #expect(try await idp.send("DELETE", "/Users/\(gone)").status == 204)
      var id: String?
      try await eventually("the victim's receipt") {
        let receipts = try await victim("/receipts").json["receipts"] as? [[String: Any]]
        id = receipts?.first?["id"] as? String
        return id != nil
      }
      return try #require(id)
    }

    private func victim(_ path: String) async throws -> HTTPResponse {
      let workspace = attacker.victim.workspace
      let url = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/directory\(path)")
      return try await HTTP.send("GET", url, headers: ["Authorization": "Bearer \(try await workspace.token(scope: "directory"))"])
    }
  }
}

extension Attacker {
  fileprivate func open(_ path: String) async throws -> HTTPResponse {
    try await HTTP.send("GET", workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: path))
  }

  /// Requests a token with curl, because URLSession answers a Basic challenge itself.
  fileprivate func tokenStatus(client: String, secret: String) async throws -> (status: Int, body: String) {
    let url = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/oauth/token")
    let printed = try await CommandRun.output(
      of: URL(fileURLWithPath: "/usr/bin/curl"),
      arguments: [
        "-s", "-w", "\n%{http_code}", "--data-urlencode", "grant_type=client_credentials", "--data-urlencode", "client_id=\(client)",
        "--data-urlencode", "client_secret=\(secret)", url,
      ], environment: [:])
    let lines = printed.split(separator: "\n", omittingEmptySubsequences: true)
    return (lines.last.flatMap { Int($0) } ?? 0, lines.dropLast().joined(separator: "\n"))
  }
}

extension Workspace {
  /// Creates an API access token with one scope.
  func token(scope: String) async throws -> String {
    let printed = try await scimctl(["token", "issue", "--name", scope, "--scope", scope])
    return try #require(printed.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.hasPrefix("rollcall_") })
  }
}
