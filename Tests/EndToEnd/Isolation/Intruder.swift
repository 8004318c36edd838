import Foundation
import Primitives
import Testing

@testable import Credentials
@testable import Models

/// A workspace with everything that another one must not get at.
struct Victim: Sendable {
  let workspace: Workspace
  /// In whatever belongs to it and is nobody's business.
  let marker: String
  let userName: String
  let user: String
  let userTag: String
  let group: String
  let groupTag: String
  /// Of a list of its users.
  let cursor: String
  /// Of a schema of its own.
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

  /// Whether all is as it was.
  func isUntouched() async throws -> Bool {
    let idp = workspace.identityProvider
    let (user, group) = (try await idp.send("GET", "/Users/\(user)"), try await idp.send("GET", "/Groups/\(group)"))
    let members = group.json["members"] as? [[String: Any]]
    let all = try await idp.send("GET", "/Users")
    return user.headers["etag"] == userTag && group.headers["etag"] == groupTag && members?.count == 1
      && (user.json["groups"] as? [Any])?.count == 1 && all.json["totalResults"] as? Int == 4
  }
}

/// Another workspace, with a good token of its own, that tries to get at the victim's.
struct Intruder: Sendable {
  let workspace: Workspace
  let victim: Victim
  let user: String
  let group: String

  init(_ workspace: Workspace, against victim: Victim) async throws {
    self.workspace = workspace
    self.victim = victim
    user = try await workspace.identityProvider.create("own@intruder.example")
    let made = try await workspace.identityProvider.send("POST", "/Groups", body: #"{"displayName":"Own"}"#)
    group = try #require(made.json["id"] as? String, "\(made.text)")
  }

  var token: String { workspace.identityProvider.token }

  /// Sends a request, checks that the answer tells nothing of the victim's, and returns it.
  ///
  /// - Parameters:
  ///   - path: below the SCIM base URL, or from `/api` on.
  ///   - sentBefore: what it has said itself in earlier requests, and may be told again.
  func send(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:], token: String? = nil, sentBefore: String = ""
  ) async throws -> Answer {
    let base = workspace.identityProvider.baseURL
    let url = path.hasPrefix("/api/") ? base.replacingOccurrences(of: "/api/v2/scim", with: path) : base + path
    var all = ["Authorization": "Bearer \(token ?? self.token)", "Content-Type": "application/scim+json"]
    all.merge(headers) { _, new in new }
    let answer = try await HTTP.send(method, url, headers: all, body: body)
    // What was sent may be named in an answer; nothing else may.
    let sent = path + (body ?? "") + sentBefore
    if !sent.contains(victim.marker) {
      #expect(!answer.text.contains(victim.marker), "\(method) \(path): \(answer.text)")
    }
    #expect(!answer.text.contains("victim.example") || sent.contains("victim.example"), "\(method) \(path): \(answer.text)")
    return answer
  }

  /// Its own token with the victim's workspace in it, and the checksum put right.
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
  /// Gives it a schema of its own for users.
  func setExtension(_ urn: String) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("extension-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let schema = #"""
      {"id":"\#(urn)","name":"Own","resourceType":"User","attributes":[{"name":"shoeSize"}]}
      """#
    try Data(schema.utf8).write(to: file)
    try await suite.scimctl(["workspace", "extension", "set", slug, file.path])
  }
}
