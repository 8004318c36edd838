import Credentials
import Foundation
import Models
import Postgres
import SCIM

/// Reads sessions of the console, and creates sign-in links. Sessions end with ``TokenAdministration/revoke(_:_:of:)``.
protocol ConsoleAdministration: Sendable {
  /// The URLs that may name the host of the console, if neither an option nor the workspace does.
  var consoleURLs: [String?] { get async throws }
  /// The valid sessions of a workspace.
  func consoleSessions(of workspace: StoredWorkspace) async throws -> [ConsoleSession]
  /// Creates a link that signs a person in once.
  ///
  /// - Returns: The secret in the link.
  func createConsoleLink(_ wanted: WantedLink, in workspace: StoredWorkspace) async throws -> IssuedSecret
}

/// A sign-in link to create.
struct WantedLink: Sendable, Equatable {
  /// The person's name in the audit trail.
  var person: String
  /// When the link expires.
  var expiresAt: Date
}

/// A valid session of the console, in the form of the management API.
struct ConsoleSession: Sendable, Equatable, Codable {
  var id: TokenID
  /// The person's name.
  var name: String
  var createdAt: Date
  var expiresAt: Date?
  /// The token or link that opened it, such as `link Ana`; nil for a proxy.
  var openedWith: String?

  /// One row per session.
  static func table(of sessions: [ConsoleSession]) -> Table {
    var table = Table("ID", "STARTED", "EXPIRES", "OPENED WITH", "NAME")
    for session in sessions {
      table.append([
        "\(session.id)", Timestamp.text(session.createdAt), session.expiresAt.map(Timestamp.text), session.openedWith ?? "proxy",
        session.name,
      ])
    }
    return table
  }
}

extension DirectAdministration: ConsoleAdministration {
  var consoleURLs: [String?] {
    get async throws {
      let settings = try await Settings.forConsoleLinks()
      return [settings.optionalString(.publicURL), settings.optionalString(.scimURL)]
    }
  }

  func consoleSessions(of workspace: StoredWorkspace) async throws -> [ConsoleSession] {
    try await pool.query(TokenQueries.sessions, [.uuid(workspace.id.uuid)]).map { row in
      ConsoleSession(
        id: TokenID(try row.uuid(0)), name: try row.string(1), createdAt: try row.timestamp(2), expiresAt: try row.optionalTimestamp(3),
        openedWith: try row.optionalString(4))
    }
  }

  func createConsoleLink(_ wanted: WantedLink, in workspace: StoredWorkspace) async throws -> IssuedSecret {
    let key = LinkKey.made(for: workspace.id)
    let grant = wanted.grant(of: key, at: .now)
    try await execute(.issueToken(grant), in: workspace.id)
    return IssuedSecret(id: grant.token, secret: key.text)
  }
}

extension WantedLink {
  /// The link as identity-store stores it: only the digest of its key.
  func grant(of key: LinkKey, at time: Date) -> TokenGrant {
    TokenGrant(
      token: .made(at: time), kind: .link, name: person, scopes: [.admin], digest: SecretDigest.hex(of: key.text), expiresAt: expiresAt)
  }
}

extension ServerAdministration: ConsoleAdministration {
  var consoleURLs: [String?] { [client.server.site] }

  func consoleSessions(of workspace: StoredWorkspace) async throws -> [ConsoleSession] {
    try await client.list(of: ConsoleSession.self, .workspace("\(workspace.id)", "console", "sessions"), "sessions").items
  }

  func createConsoleLink(_ wanted: WantedLink, in workspace: StoredWorkspace) async throws -> IssuedSecret {
    struct Body: Decodable {
      var id: TokenID
      var key: String
    }
    let body: JSONObject = ["name": .string(wanted.person), "expiresAt": .string(Timestamp.text(wanted.expiresAt))]
    let created: Body = try await client.post(.workspace("\(workspace.id)", "console", "links"), body).decoded(as: "link")
    return IssuedSecret(id: created.id, secret: created.key)
  }
}
