import Foundation
import Models
import SCIM

extension ServerAdministration: TokenAdministration {
  func tokens(_ kind: TokenKind, of owner: TokenOwner) async throws -> [TokenRow] {
    let name = kind == .client ? "clients" : "tokens"
    var found: [TokenRow] = []
    for status in ["active", "ended"] {
      found += try await client.list(of: TokenRow.self, path(kind, of: owner), name, query: [(name: "status", value: status)]).items
    }
    return found.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
  }

  func token(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws -> TokenRow? {
    do {
      return try await client.response(to: ManagementRequest(.get, path(kind, of: owner, "\(id)"))).decoded(as: "token")
    } catch let problem as ServerProblem {
      guard problem.status == 404 else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  func issue(_ wanted: WantedToken, _ kind: TokenKind, for owner: TokenOwner) async throws -> IssuedSecret {
    var body: JSONObject = [
      "name": .string(wanted.name), "scopes": .array(wanted.scopes.map(\.rawValue).sorted().map { .string($0) }),
    ]
    body["expiresAt"] = wanted.expiresAt.map { .string(Timestamp.text($0)) }
    return try await issued(by: client.post(path(kind, of: owner), body))
  }

  func rotateToken(_ rotation: WantedRotation, of owner: TokenOwner) async throws -> IssuedSecret {
    var body: JSONObject = [:]
    body["retiresAt"] = rotation.retiresAt.map { .string(Timestamp.text($0)) }
    body["expiresAt"] = rotation.expiresAt.map { .string(Timestamp.text($0)) }
    return try await issued(by: client.post(path(.token, of: owner, "\(rotation.token)", "rotate"), body))
  }

  func rotateSecret(of id: TokenID, formerUntil: Date?, in owner: TokenOwner) async throws -> IssuedSecret {
    // A missing time would mean a day.
    let body: JSONObject = ["formerExpiresAt": formerUntil.map { .string(Timestamp.text($0)) } ?? JSON.null]
    return try await issued(by: client.post(path(.client, of: owner, "\(id)", "rotate-secret"), body))
  }

  func revoke(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws {
    do {
      _ = try await client.response(to: ManagementRequest(.delete, path(kind, of: owner, "\(id)")))
    } catch let problem as ServerProblem {
      throw problem.status == 404 ? ScimctlError.unknownToken(id, kind, of: owner) : ScimctlError(problem, from: client.server.site)
    }
  }

  private func issued(by response: ManagementResponse) throws -> IssuedSecret {
    struct Body: Decodable {
      var id: TokenID
      var token: String?
      var clientSecret: String?
    }
    let body: Body = try response.decoded(as: "issued token")
    guard let secret = body.token ?? body.clientSecret else {
      throw ScimctlError(.internal, "\(body.id) was created, and the server's response does not contain its secret. Revoke it")
    }
    return IssuedSecret(id: body.id, secret: secret)
  }

  /// The path of the list, or of one of its elements.
  private func path(_ kind: TokenKind, of owner: TokenOwner, _ segments: String...) -> APIPath {
    let list: [String] =
      switch kind {
      case .token: ["tokens"]
      case .client: ["oauth-clients"]
      case .session: ["console", "sessions"]
      case .link: ["console", "links"]
      }
    return owner.id == .deployment ? .admin(list + segments) : .workspace("\(owner.id)", list + segments)
  }
}
