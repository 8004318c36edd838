import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Tokens and OAuth clients")
  struct Tokens {
    @Test("A revocation takes effect within a second on both scim-api processes")
    func revocation() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let edges = try await deployment.bothEdges(of: workspace)
      for edge in edges { #expect(try await edge.send("GET", "/Users").status == 200) }
      let id = try #require(try await workspace.scimctl(["token", "list"]).split(separator: " ").first.map(String.init))
      try await workspace.scimctl(["token", "revoke", id])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for edge in edges {
          group.addTask {
            try await takesEffect("the revocation") {
              let answer = try await edge.send("GET", "/Users")
              return answer.status == 401 && answer.text.contains("was revoked")
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await workspace.scimctl(["token", "list"]).contains("revoked"))
    }

    @Test("A token is rotated without a gap, and its last use is shown")
    func rotation() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let old = workspace.identityProvider
      #expect(try await old.send("GET", "/Users").status == 200)
      let id = try #require(try await workspace.scimctl(["token", "list"]).split(separator: " ").first.map(String.init))
      try await eventually("the use of the token to be recorded") {
        try await workspace.scimctl(["token", "show", id]).contains("127.0.0.1")
      }
      let printed = try await workspace.scimctl(["token", "rotate", id])
      let new = IdentityProvider(baseURL: old.baseURL, token: printed.trimmingCharacters(in: .whitespacesAndNewlines))
      for idp in [old, new] { #expect(try await idp.send("GET", "/Users").status == 200) }
      let shown = try await workspace.scimctl(["token", "show", id])
      #expect(shown.contains("successor"), "\(shown)")
      #expect(shown.contains("created-by"), "\(shown)")
      let again = await #expect(throws: CommandRun.Failure.self) { try await workspace.scimctl(["token", "rotate", id]) }
      #expect(again?.output.contains("already has a successor") == true, "\(again?.output ?? "")")
      try await workspace.scimctl(["token", "revoke", id])
      try await takesEffect("the end of the old token") { try await old.send("GET", "/Users").status == 401 }
      #expect(try await new.send("GET", "/Users").status == 200)
    }

    @Test("An OAuth client gets access tokens that are valid on both scim-api processes until it is revoked")
    func oauth() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let edges = try await deployment.bothEdges(of: workspace)
      let created = try await workspace.scimctl(["oauth-client", "create", "--name", "Entra", "--scope", "scim"])
      let words = created.split(whereSeparator: \.isWhitespace).map(String.init)
      let (id, secret) = (try #require(words.dropFirst().first), try #require(words.last))
      #expect(secret.hasPrefix("rollcall_client_"))
      let site = edges[0].baseURL.replacingOccurrences(of: "/api/v2/scim", with: "")

      let metadata = try await HTTP.send("GET", site + "/.well-known/oauth-authorization-server")
      let endpoint = try #require(metadata.json["token_endpoint"] as? String)
      #expect(endpoint == site + "/api/v2/oauth/token")
      let keys = try await HTTP.send("GET", try #require(metadata.json["jwks_uri"] as? String))
      #expect((keys.json["keys"] as? [[String: Any]])?.first?["kty"] as? String == "EC", "\(keys.text)")

      let answer = try await requestToken(endpoint, id, secret)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(answer.headers["cache-control"] == "no-store")
      let token = try #require(answer.json["access_token"] as? String)
      let clients = edges.map { IdentityProvider(baseURL: $0.baseURL, token: token) }
      for (number, client) in clients.enumerated() { _ = try await client.create("ana-\(number)@example.com") }
      try await eventually("the use of the client to be recorded") {
        try await workspace.scimctl(["oauth-client", "show", id]).contains("127.0.0.1")
      }

      // A rotated secret stays valid for a while, or ends at once. The requests use curl, because URLSession answers a challenge itself.
      let second = try await workspace.scimctl(["oauth-client", "rotate-secret", id]).trimmingCharacters(in: .whitespacesAndNewlines)
      try await eventually("the new secret to be valid") { try await status(endpoint, id, second) == "200" }
      #expect(try await status(endpoint, id, secret) == "200")
      let third = try await workspace.scimctl(["oauth-client", "rotate-secret", id, "--at-once"])
        .trimmingCharacters(in: .whitespacesAndNewlines)
      try await takesEffect("the end of the old secrets") { try await status(endpoint, id, second) == "401" }
      #expect(try await status(endpoint, id, secret) == "401")
      #expect(try await status(endpoint, id, third) == "200")

      for client in clients { #expect(try await client.send("GET", "/Users").status == 200) }
      try await workspace.scimctl(["oauth-client", "revoke", id])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in clients {
          group.addTask {
            try await takesEffect("the client's revocation") {
              let answer = try await client.send("GET", "/Users")
              return answer.status == 401 && answer.text.contains("was revoked")
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await status(endpoint, id, third) == "401")
    }

    private func requestToken(_ endpoint: String, _ id: String, _ secret: String) async throws -> HTTPResponse {
      try await HTTP.send(
        "POST", endpoint,
        headers: [
          "Authorization": "Basic \(Data("\(id):\(secret)".utf8).base64EncodedString())",
          "Content-Type": "application/x-www-form-urlencoded",
        ], body: "grant_type=client_credentials&scope=scim")
    }

    private func status(_ endpoint: String, _ id: String, _ secret: String) async throws -> String {
      try await CommandRun.output(
        of: URL(fileURLWithPath: "/usr/bin/curl"),
        arguments: [
          "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--data",
          "grant_type=client_credentials&client_id=\(id)&client_secret=\(secret)", endpoint,
        ], environment: [:])
    }
  }
}
