import Credentials
import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Moving a workspace")
  struct WorkspaceTransfers {
    /// The operator of the deployment.
    private struct Operator {
      let deployment: Deployment
      let token: String

      init(of deployment: Deployment) async throws {
        self.deployment = deployment
        token = try await deployment.scimctl(
          ["token", "issue", "--deployment", "--direct", "--name", "Transfers", "--scope", "admin"]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
      }

      func send(_ method: String, _ path: String, _ body: String? = nil, type: String = "application/json") async throws -> HTTPResponse {
        let root = deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin")
        return try await HTTP.send(
          method, root + path, headers: ["Authorization": "Bearer \(token)", "Content-Type": type], body: body)
      }

      /// Imports a file, and waits until it is applied.
      func importWorkspace(_ file: String, as slug: String) async throws {
        let started = try await send("POST", "/workspace-imports?newId=true&slug=\(slug)", file, type: "application/x-ndjson")
        #expect(started.status == 202, "\(started.text)")
        let id = try #require(started.json["workspace"] as? String)
        try await eventually("the import to be applied", within: .seconds(60)) {
          try await send("GET", "/workspace-imports/\(id)").json["status"] as? String == "done"
        }
      }
    }

    /// A SCIM resource without what differs between deployments: the entity tag and the URLs.
    private func resource(_ idp: IdentityProvider, _ path: String) async throws -> String {
      let answer = try await idp.send("GET", path)
      #expect(answer.status == 200, "\(path): \(answer.text)")
      var object = answer.json
      var meta = object["meta"] as? [String: Any] ?? [:]
      (meta["version"], meta["location"]) = (nil, nil)
      object["meta"] = meta
      for name in ["members", "groups"] {
        guard let values = object[name] as? [[String: Any]] else { continue }
        object[name] = values.compactMap { $0["value"] as? String }.sorted()
      }
      return String(decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
    }

    @Test("A workspace has the same users, groups and directory after an import, nobody is mailed again, and invited people can sign in")
    func transfer() async throws {
      let deployment = try await Deployment.shared()
      let source = try await deployment.workspace()
      let product = try await Operator(of: deployment)
      let (idp, copy) = (source.identityProvider, "\(source.slug)-moved")
      func address(_ name: String) -> String { "\(name)@\(source.slug).example" }
      var users: [String] = []
      for name in ["ana", "ben", "carl"] { users.append(try await idp.create(address(name))) }
      let group = try await idp.createGroup("Data", members: users)
      try await source.scimctl(["sign-in", address("ben")])
      try await idp.setActive(false, users[2])
      try await eventually("the source's directory to show Ben") { try await source.visibleMembers(of: "Data") == [address("ben")] }
      try await eventually("the invitation of Ana") { try await deployment.mails(to: address("ana")).count == 1 }

      let exported = try await product.send("GET", "/workspaces/\(source.slug)/export")
      #expect(exported.status == 200 && exported.headers["content-type"] == "application/x-ndjson", "\(exported.text)")
      let lines = exported.text.split(separator: "\n")
      #expect(lines.first?.contains("rollcall-workspace") == true && lines.last?.contains("sha256") == true)
      #expect(!exported.text.contains(idp.token))
      let truncated = lines.dropLast().joined(separator: "\n")
      let refused = try await product.send("POST", "/workspace-imports?newId=true&slug=\(copy)", truncated, type: "application/x-ndjson")
      #expect(refused.status == 400 && refused.text.contains("truncated"), "\(refused.text)")
      try await product.importWorkspace(exported.text, as: copy)

      let printed = try await deployment.scimctl(["token", "issue", "--name", "identity provider", "--scope", "scim"], workspace: copy)
      let token = try #require(
        printed.split(whereSeparator: \.isWhitespace).map(String.init).first { AccessToken($0) != nil }, "\(printed)")
      let target = Workspace(
        deployment: deployment, slug: copy, identityProvider: IdentityProvider(baseURL: deployment.scimURL, token: token))
      for path in users.map({ "/Users/\($0)" }) + ["/Groups/\(group)"] {
        let (before, after) = (try await resource(idp, path), try await resource(target.identityProvider, path))
        #expect(before == after, "\(before) and \(after)")
      }
      for (state, name) in [("invited", "ana"), ("active", "ben"), ("disabled", "carl")] {
        let listed = try await target.scimctl(["user", "list", "--state", state])
        for other in ["ana", "ben", "carl"] { #expect(listed.contains(address(other)) == (other == name), "\(state): \(listed)") }
      }
      try await eventually("the target's directory to show Ben") { try await target.visibleMembers(of: "Data") == [address("ben")] }

      // The mailer knows the people who were invited elsewhere.
      try await target.scimctl(["sign-in", address("ana")])
      try await eventually("Ana to be active") {
        try await Set(target.visibleMembers(of: "Data")) == [address("ana"), address("ben")]
      }
      #expect(try await deployment.mails(to: address("ana")).count == 1)
    }
  }
}
