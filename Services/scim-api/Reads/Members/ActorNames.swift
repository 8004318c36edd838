import EdgeHTTP
import Foundation
import Models
import Postgres

/// The display names of actors. Reasons and records contain actors as in commands: `token:…`, `operator:ana`.
package struct ActorNames: Sendable, Equatable {
  /// The names of tokens and OAuth clients.
  package var names: [TokenID: String] = [:]

  /// Replaces the actors in `text` with their display names.
  package func displayText(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      switch Self.actor(word) {
      case .token(let id, let rest): (names[id].map { "“\($0)”" } ?? "a deleted token") + rest
      case .person(let name): "\(name) (scimctl)"
      // The following words may be the rest of the name.
      case .deploymentToken(let rest): "a deployment-wide token" + rest
      case .atConsole(let name), .service(let name): String(name)
      case nil: String(word)
      }
    }.joined(separator: " ")
  }

  /// The ids of the tokens and clients in `texts`.
  package static func tokens(in texts: [String]) -> [TokenID] {
    var found: Set<TokenID> = []
    for text in texts {
      for word in text.split(separator: " ") {
        if case .token(let id, _) = actor(word) { found.insert(id) }
      }
    }
    return found.sorted()
  }

  private enum Actor {
    case token(TokenID, rest: Substring)
    case person(Substring)
    case atConsole(Substring)
    case service(Substring)
    /// Its name is not readable in a workspace.
    case deploymentToken(rest: Substring)
  }

  private static let idLength = 36

  private static func actor(_ word: Substring) -> Actor? {
    guard let colon = word.firstIndex(of: ":") else { return nil }
    let name = word[word.index(after: colon)...]
    guard !name.isEmpty else { return nil }
    switch word[..<colon] {
    case "token", "client": return TokenID(name.prefix(idLength)).map { .token($0, rest: name.dropFirst(idLength)) }
    case "deployment-token": return .deploymentToken(rest: name.dropFirst(idLength))
    case "operator": return .person(name)
    case "console": return .atConsole(name)
    case "service": return .service(name)
    default: return nil
    }
  }

  /// Reads the names of the actors in `texts`.
  package init(in texts: [String], of workspace: WorkspaceID, database: Database) async throws {
    let ids = Self.tokens(in: texts)
    guard !ids.isEmpty else { return }
    for row in try await database.query(Self.statement, [.uuid(workspace.uuid), .uuidArray(ids.map(\.uuid))], in: workspace) {
      names[TokenID(try row.uuid(0))] = try row.string(1)
    }
  }

  /// The given names of tokens and OAuth clients.
  package init(names: [TokenID: String] = [:]) { self.names = names }

  private static let statement = Statement(
    "console actor names",
    """
    select id, name
    from identity_read.tokens
    where workspace_id = $1
    and id = any ($2)
    """)
}
