import Foundation
import Models
import Primitives
import Testing

@testable import Credentials

/// A workspace with data that another workspace must not access.
struct Victim: Sendable {
  let workspace: Workspace
  /// A random text that occurs in all names of the workspace.
  let marker: String
  let userName: String
  /// The id of a user.
  let user: String
  /// The entity tag of the user.
  let userTag: String
  /// The id of a group.
  let group: String
  /// The entity tag of the group.
  let groupTag: String
  /// A cursor of a list of users.
  let cursor: String
  /// The URN of a custom schema.
  let schema: String

  init(_ workspace: Workspace) async throws {
    self.workspace = workspace
    let marker = "m\(UUID().uuidString.prefix(8).lowercased())"
    self.marker = marker
    let idp = workspace.identityProvider
    userName = "\(marker)@victim.example"
    schema = "urn:example:\(marker):2.0:User"
    try await workspace.setExtension(schema)
    user = try await idp.create(userName, givenName: marker)
    for number in 1...3 { _ = try await idp.create("\(marker)-\(number)@victim.example", givenName: marker) }
    let made = try await idp.send(
      "POST", "/Groups", body: #"{"displayName":"Team \#(marker)","externalId":"ext-\#(marker)","members":[{"value":"\#(user)"}]}"#)
    group = try #require(made.json["id"] as? String, "\(made.text)")
    userTag = try #require(try await idp.send("GET", "/Users/\(user)").headers["etag"])
    groupTag = try #require(try await idp.send("GET", "/Groups/\(group)").headers["etag"])
    cursor = try #require(try await idp.send("GET", "/Users?cursor&count=1").json["nextCursor"] as? String)
  }

  /// Whether nothing has changed.
  func isUntouched() async throws -> Bool {
    let idp = workspace.identityProvider
    let (user, group) = (try await idp.send("GET", "/Users/\(user)"), try await idp.send("GET", "/Groups/\(group)"))
    let members = group.json["members"] as? [[String: Any]]
    let all = try await idp.send("GET", "/Users")
    return user.headers["etag"] == userTag && group.headers["etag"] == groupTag && members?.count == 1
      && (user.json["groups"] as? [Any])?.count == 1 && all.json["totalResults"] as? Int == 4
  }
}

/// A workspace with a valid token that tries to access the data of another workspace.
struct Attacker: Sendable {
  let workspace: Workspace
  let victim: Victim
  let user: String
  let group: String

  init(_ workspace: Workspace, against victim: Victim) async throws {
    self.workspace = workspace
    self.victim = victim
    user = try await workspace.identityProvider.create("own@attacker.example")
    let made = try await workspace.identityProvider.send("POST", "/Groups", body: #"{"displayName":"Own"}"#)
    group = try #require(made.json["id"] as? String, "\(made.text)")
  }

  var token: String { workspace.identityProvider.token }

  /// Sends a request, expects that the response contains no data of the victim, and returns the response.
  ///
  /// - Parameters:
  ///   - path: The path below the SCIM base URL, or from `/api` on.
  ///   - sentBefore: Text of earlier requests that the response may contain.
  func send(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:], token: String? = nil, sentBefore: String = ""
  ) async throws -> HTTPResponse {
    let base = workspace.identityProvider.baseURL
    let url = path.hasPrefix("/api/") ? base.replacingOccurrences(of: "/api/v2/scim", with: path) : base + path
    var all = ["Authorization": "Bearer \(token ?? self.token)", "Content-Type": "application/scim+json"]
    all.merge(headers) { _, new in new }
    let answer = try await HTTP.send(method, url, headers: all, body: body)
    // The response may repeat what was sent, and nothing else.
    let sent = path + (body ?? "") + sentBefore
    if !sent.contains(victim.marker) {
      #expect(!answer.text.contains(victim.marker), "\(method) \(path): \(answer.text)")
    }
    #expect(!answer.text.contains("victim.example") || sent.contains("victim.example"), "\(method) \(path): \(answer.text)")
    return answer
  }

  /// The attacker's token with the victim's workspace id and a correct checksum.
  var forgedToken: String {
    get throws {
      let own = try #require(Base64URL.decode(token.utf8.dropFirst(AccessToken.prefix.utf8.count)))
      let other = try #require(
        Base64URL.decode(victim.workspace.identityProvider.token.utf8.dropFirst(AccessToken.prefix.utf8.count)))
      let content = other.prefix(16) + own[16..<48]
      let checksum = CRC32.checksum(of: content)
      let bytes = content + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: checksum >> UInt32($0)) }
      return AccessToken.prefix + Base64URL.encode(Array(bytes))
    }
  }
}

extension Workspace {
  /// Adds a custom schema for users.
  func setExtension(_ urn: String) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("extension-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let schema = #"""
      {"id":"\#(urn)","name":"Own","resourceType":"User","attributes":[{"name":"shoeSize"}]}
      """#
    try Data(schema.utf8).write(to: file)
    try await deployment.scimctl(["workspace", "extension", "set", slug, file.path])
  }
}
