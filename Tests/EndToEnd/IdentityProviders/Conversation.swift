import Foundation
import TestSupport
import Testing

/// What an identity provider says to a workspace of the running suite, and what has come of it for the people and the product.
struct Conversation: Sendable {
  let suite: Suite
  let workspace: Workspace
  let idp: IdentityProvider

  /// - Parameter userAgent: how the identity provider names itself.
  init(userAgent: String?, settings: [String] = []) async throws {
    suite = try await Suite.shared()
    workspace = try await suite.workspace(settings: ["--plan", "enterprise", "--saml-sso", "--scim"] + settings)
    var idp = workspace.identityProvider
    idp.userAgent = userAgent
    self.idp = idp
  }

  /// An address of the workspace's own.
  func address(_ name: String) -> String { "\(name)@\(workspace.slug).example" }

  /// Sends a request and expects a status.
  @discardableResult
  func say(
    _ method: String, _ path: String, _ body: String? = nil, expecting status: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [String: Any] {
    let answer = try await idp.send(method, path, body: body)
    #expect(answer.status == status, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
    return answer.json
  }

  /// The list that a filter finds.
  func find(_ endpoint: String, _ filter: String, _ more: String = "") async throws -> [[String: Any]] {
    let encoded = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let answer = try await idp.send("GET", "/\(endpoint)?filter=\(encoded)\(more)")
    #expect(answer.status == 200, "\(filter): \(answer.text)")
    let found = answer.json["Resources"] as? [[String: Any]] ?? []
    #expect(answer.json["totalResults"] as? Int == found.count)
    return found
  }

  /// A PATCH in the dialect of whoever writes `operations`.
  static func patch(_ operations: String) -> String {
    #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations)]}"#
  }

  /// What a read-modify-write sends: all that was read, with some attributes changed.
  func modified(_ path: String, _ changes: [String: any Sendable]) async throws -> String {
    var resource = try await say("GET", path, expecting: 200)
    for (name, value) in changes { resource[name] = value }
    return String(decoding: try JSONSerialization.data(withJSONObject: resource), as: UTF8.self)
  }

  /// The first sign-in of a person, and its effect.
  func signIn(_ email: String) async throws {
    try await workspace.scimctl(["sign-in", email])
    try await expectState("active", of: email)
  }

  func expectState(_ state: String, of email: String) async throws {
    try await eventually("\(email) to be \(state)") {
      try await workspace.scimctl(["user", "list", "--state", state]).contains(email)
    }
  }

  func expectMembers(_ emails: [String], in group: String) async throws {
    try await eventually("\(emails) to be shown in \(group)") {
      try await Set(workspace.membersShown(in: group)) == Set(emails)
    }
  }

  /// Waits for the person's letters, and says how many there are.
  func expectLetters(_ count: Int, to email: String) async throws {
    try await eventually("\(count) letters to \(email)") { try await suite.letters(to: email).count == count }
  }
}

extension EndToEnd {
  /// What Okta, Entra ID and OneLogin send from a person's assignment to their removal.
  @Suite("Identity providers")
  struct IdentityProviders {}
}
