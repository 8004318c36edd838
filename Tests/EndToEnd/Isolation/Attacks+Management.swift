import Foundation
import TestSupport
import Testing

// The attacks on the management API, with the token of an admin of another workspace.
extension Attacks {
  /// The attacks on routes that require a token, the management API's included.
  static var every: [String: Attack] {
    all.merging(management) { _, new in new }.merging(managedData) { _, new in new }
  }

  static let management: [String: Attack] = [
    "GET /api/v2/admin/workspaces": { attacker in
      let admin = try await Admin(of: attacker)
      let own = try await admin.send("GET", "/workspaces")
      #expect(own.status == 200 && own.text.contains(attacker.workspace.slug), "\(own.text)")
      #expect(!own.text.contains(admin.victimID), "\(own.text)")
      // Neither a header nor a cursor shows another workspace.
      for name in [attacker.victim.workspace.slug, admin.victimID] {
        #expect(try await admin.send("GET", "/workspaces", headers: ["Rollcall-Workspace": name]).status == 403)
      }
    },
    "POST /api/v2/admin/workspaces": { attacker in
      let admin = try await Admin(of: attacker)
      let body = #"{"slug":"stolen","name":"Stolen","signInURL":"https://attacker.example/"}"#
      #expect(try await admin.send("POST", "/workspaces", body).status == 403)
    },
    "GET /api/v2/admin/workspaces/{workspace}": ofWorkspace("GET", ""),
    "PATCH /api/v2/admin/workspaces/{workspace}": { attacker in
      try await ofWorkspace("PATCH", "", #"{"name":"Stolen"}"#)(attacker)
      // The settings that belong to the operator: a domain or a slug of another workspace, for example.
      let admin = try await Admin(of: attacker)
      for body in [#"{"customDomains":["scim.victim.example"]}"#, #"{"slug":"\#(attacker.victim.workspace.slug)"}"#, #"{"plan":"free"}"#] {
        #expect(try await admin.send("PATCH", "/workspaces/\(attacker.workspace.slug)", body).status == 403)
      }
    },
    "GET /api/v2/admin/workspaces/{workspace}/export": ofWorkspace("GET", "/export"),
    "GET /api/v2/admin/workspaces/{workspace}/tokens": ofWorkspace("GET", "/tokens"),
    "POST /api/v2/admin/workspaces/{workspace}/tokens": ofWorkspace("POST", "/tokens", #"{"name":"x","scopes":["scim"]}"#),
    "GET /api/v2/admin/workspaces/{workspace}/tokens/{id}": ofWorkspace("GET", "/tokens/{id}"),
    "DELETE /api/v2/admin/workspaces/{workspace}/tokens/{id}": ofWorkspace("DELETE", "/tokens/{id}"),
    "POST /api/v2/admin/workspaces/{workspace}/tokens/{id}/rotate": ofWorkspace("POST", "/tokens/{id}/rotate"),
    "GET /api/v2/admin/workspaces/{workspace}/oauth-clients": ofWorkspace("GET", "/oauth-clients"),
    "POST /api/v2/admin/workspaces/{workspace}/oauth-clients": ofWorkspace("POST", "/oauth-clients", #"{"name":"x","scopes":["scim"]}"#),
    "GET /api/v2/admin/workspaces/{workspace}/oauth-clients/{id}": ofWorkspace("GET", "/oauth-clients/{id}"),
    "DELETE /api/v2/admin/workspaces/{workspace}/oauth-clients/{id}": ofWorkspace("DELETE", "/oauth-clients/{id}"),
    "POST /api/v2/admin/workspaces/{workspace}/oauth-clients/{id}/rotate-secret": ofWorkspace("POST", "/oauth-clients/{id}/rotate-secret"),
    "GET /api/v2/admin/workspaces/{workspace}/invitation-templates": ofWorkspace("GET", "/invitation-templates"),
    "PUT /api/v2/admin/workspaces/{workspace}/invitation-templates/{language}": ofWorkspace(
      "PUT", "/invitation-templates/de", #"{"subject":"Stolen"}"#),
    "DELETE /api/v2/admin/workspaces/{workspace}/invitation-templates/{language}": ofWorkspace("DELETE", "/invitation-templates/de"),
    "GET /api/v2/admin/workspaces/{workspace}/accounts": ofWorkspace("GET", "/accounts"),
    "POST /api/v2/admin/workspaces/{workspace}/accounts": ofWorkspace("POST", "/accounts", #"{"id":"x","email":"x@attacker.example"}"#),
    "GET /api/v2/admin/workspaces/{workspace}/accounts/imports/{id}": ofWorkspace("GET", "/accounts/imports/{id}"),
    "POST /api/v2/admin/workspaces/{workspace}/accounts/links": { attacker in
      let body = #"{"user":"\#(attacker.victim.user)","account":"x"}"#
      try await ofWorkspace("POST", "/accounts/links", body)(attacker)
      // The victim's user is unknown in the attacker's workspace.
      let admin = try await Admin(of: attacker)
      #expect(try await admin.send("POST", "/workspaces/\(attacker.workspace.slug)/accounts/links", body).status == 404)
    },
    "DELETE /api/v2/admin/workspaces/{workspace}/accounts/links/{id}": ofWorkspace("DELETE", "/accounts/links/{id}"),
    "GET /api/v2/admin/workspaces/{workspace}/mail-domains": ofWorkspace("GET", "/mail-domains"),
    "POST /api/v2/admin/workspaces/{workspace}/mail-domains": { attacker in
      try await ofWorkspace("POST", "/mail-domains", #"{"domain":"victim.example"}"#)(attacker)
      // Only the operator asserts a domain.
      let admin = try await Admin(of: attacker)
      let body = #"{"domain":"victim.example","verification":"operator"}"#
      #expect(try await admin.send("POST", "/workspaces/\(attacker.workspace.slug)/mail-domains", body).status == 403)
    },
    "GET /api/v2/admin/workspaces/{workspace}/mail-domains/{domain}": ofWorkspace("GET", "/mail-domains/victim.example"),
    "DELETE /api/v2/admin/workspaces/{workspace}/mail-domains/{domain}": ofWorkspace("DELETE", "/mail-domains/victim.example"),
    "POST /api/v2/admin/workspaces/{workspace}/mail-domains/{domain}/verify": ofWorkspace("POST", "/mail-domains/victim.example/verify"),
    "POST /api/v2/admin/workspaces/{workspace}/deletion": { attacker in
      try await ofWorkspace("POST", "/deletion", #"{"slug":"\#(attacker.victim.workspace.slug)","now":true}"#)(attacker)
      // Only the operator deletes a workspace.
      let (admin, slug) = (try await Admin(of: attacker), attacker.workspace.slug)
      #expect(try await admin.send("POST", "/workspaces/\(slug)/deletion", #"{"slug":"\#(slug)","now":true}"#).status == 403)
    },
    "DELETE /api/v2/admin/workspaces/{workspace}/deletion": { attacker in
      try await ofWorkspace("DELETE", "/deletion")(attacker)
      #expect(try await Admin(of: attacker).send("DELETE", "/workspaces/\(attacker.workspace.slug)/deletion").status == 403)
    },
    "GET /api/v2/admin/tokens": ofDeployment("GET", ""),
    "POST /api/v2/admin/tokens": ofDeployment("POST", "", #"{"name":"x","scopes":["admin"]}"#),
    "GET /api/v2/admin/tokens/{id}": ofDeployment("GET", "/{id}"),
    "DELETE /api/v2/admin/tokens/{id}": ofDeployment("DELETE", "/{id}"),
    "POST /api/v2/admin/tokens/{id}/rotate": ofDeployment("POST", "/{id}/rotate"),
  ]

  /// Requests about the victim's workspace, by slug and by id; and about the attacker's workspace with ids of the victim.
  static func ofWorkspace(_ method: String, _ path: String, _ body: String? = nil) -> Attack {
    { attacker in
      let admin = try await Admin(of: attacker)
      let path = path.replacing("{id}", with: admin.victimsToken)
      for name in [attacker.victim.workspace.slug, admin.victimID] {
        let answer = try await admin.send(method, "/workspaces/\(name)\(path)", body)
        #expect(answer.status == 403, "\(method) \(name)\(path): \(answer.text)")
        // A header cannot change the workspace of the path.
        let mixed = try await admin.send(
          method, "/workspaces/\(attacker.workspace.slug)\(path)", body, headers: ["Rollcall-Workspace": name])
        #expect(mixed.status == 400, "\(method) \(path) as \(name): \(mixed.text)")
      }
      guard path.contains(admin.victimsToken) else { return }
      let answer = try await admin.send(method, "/workspaces/\(attacker.workspace.slug)\(path)", body)
      #expect(answer.status == 404, "\(method) \(path): \(answer.text)")
    }
  }

  /// Requests about the tokens of the deployment.
  private static func ofDeployment(_ method: String, _ path: String, _ body: String? = nil) -> Attack {
    { attacker in
      let admin = try await Admin(of: attacker)
      for headers in [[:], ["Rollcall-Workspace": attacker.workspace.slug], ["Rollcall-Workspace": attacker.victim.workspace.slug]] {
        let path = "/tokens" + path.replacing("{id}", with: admin.victimsToken)
        let answer = try await admin.send(method, path, body, headers: headers)
        #expect(answer.status == 403, "\(method) \(path): \(answer.text)")
      }
    }
  }

  /// A client of the management API with a token of the attacker's workspace.
  struct Admin {
    let attacker: Attacker
    let token: String
    /// The id of the victim's workspace.
    let victimID: String
    /// The id of a token of the victim.
    let victimsToken: String

    init(of attacker: Attacker) async throws {
      self.attacker = attacker
      token = try await attacker.workspace.token(scope: "admin")
      let victim = attacker.victim.workspace
      let shown = try await victim.deployment.scimctl(["workspace", "show", victim.slug])
      victimID = try #require(shown.split(whereSeparator: \.isWhitespace).map(String.init).first { UUID(uuidString: $0) != nil })
      victimsToken = try #require(try await victim.scimctl(["token", "list"]).split(separator: " ").first.map(String.init))
    }

    func send(
      _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:], sentBefore: String = ""
    ) async throws -> HTTPResponse {
      try await attacker.send(
        method, "/api/v2/admin\(path)", body, headers: ["Content-Type": "application/json"].merging(headers) { $1 }, token: token,
        sentBefore: sentBefore)
    }
  }
}
