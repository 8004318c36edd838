import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A token or an OAuth client in the words of the pages about it.
struct TokenView: Sendable {
  var id: String
  var path: String
  var name: String
  /// `Token`, `OAuth client`.
  var kindName: String
  var isToken: Bool
  var isClient: Bool
  var scopes: [String]
  var standing: Standing
  var isGood: Bool
  /// ISO 8601, as all times here.
  var expires: String?
  var revoked: String?
  var created: String
  var creator: String
  var lastUsed: String?
  var lastAddress: String?
  var predecessor: Neighbour?
  var successor: Neighbour?
  /// Until when a client's secret before the present one is good.
  var formerSecret: String?
  /// Whether the session that looks at it was opened with it.
  var isOwn: Bool

  struct Standing: Sendable, Equatable {
    var word: String
    /// Of the badge.
    var tone: String
  }

  struct Neighbour: Sendable {
    var neighbourPath: String
    var neighbourName: String
    var neighbourIsGood: Bool
    var neighbourUsed: String?
  }

  static let path = ConsoleSection.api.path

  /// - Parameter own: the token that the session that looks at it was opened with.
  init(_ token: ListedToken, own: TokenID?, at now: Date) {
    id = token.id.description
    path = "\(Self.path)/\(token.id)"
    name = token.name
    kindName = token.kind == .client ? "OAuth client" : "Token"
    isToken = token.kind != .client
    isClient = token.kind == .client
    scopes = token.scopes.map(\.rawValue)
    standing = Self.standing(of: token, at: now)
    isGood = token.isGood(at: now)
    expires = token.expiresAt.map(Timestamp.text)
    revoked = token.revokedAt.map(Timestamp.text)
    created = Timestamp.text(token.createdAt)
    creator = ActorWords.text(token.createdBy)
    lastUsed = token.lastUse.map { Timestamp.text($0.at) }
    lastAddress = token.lastUse.map { $0.address.isEmpty ? "one of many addresses" : $0.address }
    predecessor = token.predecessor.map(Self.neighbour)
    successor = token.successor.map(Self.neighbour)
    formerSecret = token.formerUntil.flatMap { $0 > now ? Timestamp.text($0) : nil }
    isOwn = token.id == own
  }

  /// How soon is soon, in seconds.
  static let soon: TimeInterval = 14 * 86_400

  static func standing(of token: ListedToken, at now: Date) -> Standing {
    if token.revokedAt != nil { return Standing(word: "Revoked", tone: "bad") }
    guard let end = token.expiresAt else { return Standing(word: "Good", tone: "good") }
    if end <= now { return Standing(word: "Expired", tone: "bad") }
    return end <= now + soon ? Standing(word: "Expires soon", tone: "warn") : Standing(word: "Good", tone: "good")
  }

  private static func neighbour(_ neighbour: ListedToken.Neighbour) -> Neighbour {
    Neighbour(
      neighbourPath: "\(path)/\(neighbour.id)", neighbourName: neighbour.name, neighbourIsGood: neighbour.isGood,
      neighbourUsed: neighbour.lastUsedAt.map(Timestamp.text))
  }

  /// What is asked before it is revoked: who would miss it.
  var question: String {
    var words = "Revoke '\(name)'? Whatever uses it is refused within a second, and it cannot be undone."
    if let lastUsed, let lastAddress {
      words += " It was last used on \(lastUsed.prefix(10)) from \(lastAddress)."
    } else {
      words += " It has never been used."
    }
    if isOwn { words += " You signed in with it: you will be signed out." }
    return words
  }
}

/// Who did something, as the store writes it down, in words.
enum ActorWords {
  static func text(_ actor: String) -> String {
    let parts = actor.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return actor }
    let name = String(parts[1])
    switch parts[0] {
    case "console": return "\(name), at the console"
    case "operator": return "\(name), with scimctl"
    case "service": return "Rollcall itself (\(name))"
    case "token": return "the token \(name)"
    case "client": return "the OAuth client \(name)"
    default: return actor
    }
  }
}

/// What a token can be made good for, as the form for a new one lists it.
struct ScopeChoice: Sendable {
  var scope: String
  var purpose: String
  var isChecked: Bool

  static func all(for kind: TokenKind, checked: Set<String>) -> [ScopeChoice] {
    TokenScope.allCases.filter { kind == .token || $0 != .admin }.map {
      ScopeChoice(scope: $0.rawValue, purpose: purpose(of: $0), isChecked: checked.contains($0.rawValue))
    }
  }

  private static func purpose(of scope: TokenScope) -> String {
    switch scope {
    case .scim: "An identity provider pushes people and groups with it. Everything under SCIM, and nothing else."
    case .signIns: "The product’s sign-in service says with it who has signed in."
    case .admin: "Signs a person in to this console. Never enter such a token in an identity provider."
    case .directory: "The product reads groups and who is to be shown in them."
    }
  }
}

/// For how long something is good.
struct TimeChoice: Sendable, Equatable {
  /// In days; nil for ever, or until something is done by hand.
  var days: Int?
  var words: String
  var isChosen = false

  var value: String { days.map(String.init) ?? "none" }

  /// - Parameter chosen: what the form said.
  static func marked(_ choices: [TimeChoice], _ chosen: String) -> [TimeChoice] {
    choices.map { TimeChoice(days: $0.days, words: $0.words, isChosen: $0.value == chosen) }
  }

  static let expiries = [
    TimeChoice(days: 30, words: "30 days"), TimeChoice(days: 90, words: "90 days"), TimeChoice(days: 365, words: "1 year"),
    TimeChoice(days: nil, words: "No end: until it is revoked"),
  ]
  static let retirements = [
    TimeChoice(days: nil, words: "Until I revoke it"), TimeChoice(days: 1, words: "For another day"),
    TimeChoice(days: 7, words: "For another 7 days"), TimeChoice(days: 30, words: "For another 30 days"),
  ]
  static let secretRetirements = [
    TimeChoice(days: 1, words: "For another day"), TimeChoice(days: 7, words: "For another 7 days"),
    TimeChoice(days: 0, words: "Not at all: it is refused from now on"),
  ]
}

/// A choice as a template sees it: `value` is computed, and templates see what is stored.
struct ShownChoice: Sendable {
  var choiceValue: String
  var words: String
  var isChosen: Bool

  init(_ choice: TimeChoice) {
    choiceValue = choice.value
    words = choice.words
    isChosen = choice.isChosen
  }
}
