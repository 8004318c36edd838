import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres

/// What those are called who did something: reasons and records name them as commands do, `token:…`, `operator:ana`.
struct ActorNames: Sendable, Equatable {
  /// Of tokens and OAuth clients.
  var names: [TokenID: String] = [:]

  /// `text` with each of them named as a person would.
  func spelled(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      switch Self.actor(word) {
      case .token(let id, let rest): (names[id].map { "“\($0)”" } ?? "a token that is gone") + rest
      case .person(let name): "\(name) (scimctl)"
      // What follows may be the rest of the name.
      case .atConsole(let name), .service(let name): String(name)
      case nil: String(word)
      }
    }.joined(separator: " ")
  }

  /// The tokens and clients that `texts` name.
  static func tokens(in texts: [String]) -> [TokenID] {
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
  }

  private static let idLength = 36

  private static func actor(_ word: Substring) -> Actor? {
    guard let colon = word.firstIndex(of: ":") else { return nil }
    let name = word[word.index(after: colon)...]
    guard !name.isEmpty else { return nil }
    switch word[..<colon] {
    case "token", "client": return TokenID(name.prefix(idLength)).map { .token($0, rest: name.dropFirst(idLength)) }
    case "operator": return .person(name)
    case "console": return .atConsole(name)
    case "service": return .service(name)
    default: return nil
    }
  }

  /// Looks up what the actors in `texts` are called.
  init(in texts: [String], of workspace: WorkspaceID, database: Database) async throws {
    let ids = Self.tokens(in: texts)
    guard !ids.isEmpty else { return }
    for row in try await database.query(Self.statement, [.uuid(workspace.uuid), .uuidArray(ids.map(\.uuid))], in: workspace) {
      names[TokenID(try row.uuid(0))] = try row.string(1)
    }
  }

  init(names: [TokenID: String] = [:]) { self.names = names }

  private static let statement = Statement(
    "console actor names",
    """
    select id, name
    from identity_read.tokens
    where workspace_id = $1
    and id = any ($2)
    """)
}
