import Foundation
import TestSupport
import Testing

/// A new workspace, requests of an identity provider to it, and expectations on their effects.
struct IdentityProviderScenario: Sendable {
  let deployment: Deployment
  let workspace: Workspace
  let idp: IdentityProvider

  /// - Parameters:
  ///   - userAgent: The User-Agent header of the identity provider.
  ///   - settings: Arguments of `scimctl workspace create`.
  init(userAgent: String?, settings: [String] = []) async throws {
    deployment = try await Deployment.shared()
    workspace = try await deployment.workspace(settings: ["--plan", "enterprise", "--saml-sso", "--scim"] + settings)
    var idp = workspace.identityProvider
    idp.userAgent = userAgent
    self.idp = idp
  }

  /// An email address in the workspace's domain.
  func address(_ name: String) -> String { "\(name)@\(workspace.slug).example" }

  /// Sends a request, expects a status, and returns the JSON body.
  @discardableResult
  func send(
    _ method: String, _ path: String, _ body: String? = nil, expecting status: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [String: Any] {
    let answer = try await idp.send(method, path, body: body)
    #expect(answer.status == status, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
    return answer.json
  }

  /// Searches with a filter and returns the resources.
  func find(_ endpoint: String, _ filter: String, _ more: String = "") async throws -> [[String: Any]] {
    let encoded = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let answer = try await idp.send("GET", "/\(endpoint)?filter=\(encoded)\(more)")
    #expect(answer.status == 200, "\(filter): \(answer.text)")
    let found = answer.json["Resources"] as? [[String: Any]] ?? []
    #expect(answer.json["totalResults"] as? Int == found.count)
    return found
  }

  /// The body of a PATCH request.
  static func patch(_ operations: String) -> String {
    #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations)]}"#
  }

  /// The body of a read-modify-write: the resource as returned by GET, with changed attributes.
  func modified(_ path: String, _ changes: [String: any Sendable]) async throws -> String {
    var resource = try await send("GET", path, expecting: 200)
    for (name, value) in changes { resource[name] = value }
    return String(decoding: try JSONSerialization.data(withJSONObject: resource), as: UTF8.self)
  }

  /// Reports the first sign-in of a user and waits until the user is active.
  func signIn(_ email: String) async throws {
    try await workspace.scimctl(["sign-in", email])
    try await expectState("active", of: email)
  }

  /// Waits until a user has a state.
  func expectState(_ state: String, of email: String) async throws {
    try await eventually("\(email) to be \(state)") {
      try await workspace.scimctl(["user", "list", "--state", state]).contains(email)
    }
  }

  /// Waits until a group has these visible members.
  func expectMembers(_ emails: [String], in group: String) async throws {
    try await eventually("\(emails) to be visible in \(group)") {
      try await Set(workspace.visibleMembers(of: group)) == Set(emails)
    }
  }

  /// Waits until a recipient has received a number of mails.
  func expectMails(_ count: Int, to email: String) async throws {
    try await eventually("\(count) mails to \(email)") { try await deployment.mails(to: email).count == count }
  }
}

extension EndToEnd {
  /// The requests of Okta, Entra ID and OneLogin, from the assignment of a user to the removal.
  @Suite("Identity providers")
  struct IdentityProviders {}
}
