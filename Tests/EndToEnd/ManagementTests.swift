import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Management API")
  struct Management {
    /// A product with a deployment-wide token.
    private struct Product {
      let deployment: Deployment
      let token: String

      func send(
        _ method: String, _ path: String, _ body: String? = nil, in workspace: String? = nil, headers: [String: String] = [:]
      ) async throws -> HTTPResponse {
        var all = ["Authorization": "Bearer \(token)"]
        if body != nil { all["Content-Type"] = "application/json" }
        all["Rollcall-Workspace"] = workspace
        all.merge(headers) { $1 }
        let url = deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2\(path)")
        return try await HTTP.send(method, url, headers: all, body: body)
      }
    }

    private func product(_ deployment: Deployment, scopes: [String] = ["admin", "sign-ins", "directory"]) async throws -> Product {
      let printed = try await deployment.scimctl(
        ["token", "issue", "--deployment", "--direct", "--name", "Product"] + scopes.flatMap { ["--scope", $0] })
      return Product(deployment: deployment, token: printed.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    @Test("With one deployment-wide token, a product creates a workspace, connects an identity provider and follows its people")
    func connects() async throws {
      let deployment = try await Deployment.shared()
      let product = try await product(deployment)
      let slug = "managed-\(UUID().uuidString.prefix(8).lowercased())"
      let key = ["Idempotency-Key": "\(UUID())"]
      let body = #"{"slug":"\#(slug)","name":"Managed","signInURL":"https://\#(slug).example/","plan":"enterprise","samlSSO":true}"#
      let made = try await product.send("POST", "/admin/workspaces", body, headers: key)
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"] as? String)
      // A lost response is no reason for a second workspace.
      let again = try await product.send("POST", "/admin/workspaces", body, headers: key)
      #expect(again.status == 201 && again.json["id"] as? String == id, "\(again.text)")
      let taken = try await product.send("POST", "/admin/workspaces", body)
      #expect(taken.status == 409 && taken.headers["content-type"] == "application/problem+json", "\(taken.text)")

      let issued = try await product.send("POST", "/admin/workspaces/\(slug)/tokens", #"{"name":"Okta","scopes":["scim"]}"#)
      #expect(issued.status == 201, "\(issued.text)")
      let idp = IdentityProvider(baseURL: deployment.scimURL, token: try #require(issued.json["token"] as? String))
      try await takesEffect("the new token") { try await idp.send("GET", "/Users").status == 403 }
      let tag = try #require(made.headers["etag"])
      let enabled = try await product.send(
        "PATCH", "/admin/workspaces/\(id)", #"{"scimEnabled":true}"#, headers: ["If-Match": tag])
      #expect(enabled.status == 200 && enabled.json["version"] as? Int == 2, "\(enabled.text)")
      let late = try await product.send("PATCH", "/admin/workspaces/\(id)", #"{"name":"Late"}"#, headers: ["If-Match": tag])
      #expect(late.status == 412, "\(late.text)")
      try await takesEffect("the opt-in") { try await idp.send("GET", "/Users").status == 200 }

      let ana = try await idp.create("ana@\(slug).example")
      let signIn = try await product.send("POST", "/sign-ins", #"{"user":"\#(ana)"}"#, in: slug)
      #expect(signIn.status == 202, "\(signIn.text)")
      try await eventually("the person to be active in the directory", within: .seconds(30)) {
        try await product.send("GET", "/directory/members", in: id).text.contains(ana)
      }
      for (path, name, status) in [
        ("/directory/members", nil, 400), ("/directory/members", "nobody", 404), ("/admin/workspaces/nobody", nil, 404),
      ] as [(String, String?, Int)] {
        #expect(try await product.send("GET", path, in: name).status == status)
      }

      let token = try #require(issued.json["id"] as? String)
      #expect(try await product.send("DELETE", "/admin/workspaces/\(slug)/tokens/\(token)").status == 204)
      try await takesEffect("the revocation") { try await idp.send("GET", "/Users").status == 401 }
      let audit = try await deployment.scimctl(["audit", "list"], workspace: slug)
      #expect(audit.contains("deployment-token:") && audit.contains("issue-token") && audit.contains("create-workspace"), "\(audit)")
    }

    @Test("Workspaces are listed for a deployment-wide token; it opens no SCIM, and its uses and end are those of every token")
    func token() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let product = try await product(deployment, scopes: ["admin"])
      var slugs: [String] = []
      var cursor: String?
      repeat {
        let page = try await product.send("GET", "/admin/workspaces?limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""))
        #expect(page.status == 200, "\(page.text)")
        slugs += (page.json["workspaces"] as? [[String: Any]] ?? []).compactMap { $0["slug"] as? String }
        cursor = page.json["nextCursor"] as? String
      } while cursor != nil
      #expect(slugs.contains(workspace.slug) && Set(slugs).count == slugs.count)
      #expect(try await product.send("GET", "/scim/Users", in: workspace.slug).status == 403)
      #expect(try await product.send("POST", "/sign-ins", #"{"email":"a@b.example"}"#, in: workspace.slug).status == 403)

      let listed = try await product.send("GET", "/admin/tokens")
      let own = try #require((listed.json["tokens"] as? [[String: Any]])?.first?["id"] as? String, "\(listed.text)")
      try await eventually("the use of the token to be recorded") {
        try await deployment.scimctl(["token", "show", own, "--deployment"]).contains("127.0.0.1")
      }
      #expect(try await deployment.scimctl(["token", "list", "--deployment"]).contains(own))
      // The tokens of the workspace are listed apart.
      #expect(try await !workspace.scimctl(["token", "list"]).contains(own))
      try await deployment.scimctl(["token", "revoke", own, "--deployment"])
      try await takesEffect("the revocation") {
        let answer = try await product.send("GET", "/admin/workspaces")
        return answer.status == 401 && answer.headers["content-type"] == "application/problem+json"
      }
    }
  }
}
