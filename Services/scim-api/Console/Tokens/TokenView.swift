import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The view model of a token or an OAuth client.
struct TokenView: Sendable {
  var id: String
  var path: String
  var name: String
  /// `Token` or `OAuth client`.
  var kindName: String
  var isToken: Bool
  var isClient: Bool
  var scopes: [String]
  var status: Status
  /// Whether the token is neither revoked nor expired.
  var isActive: Bool
  /// The times are in ISO 8601.
  var expires: String?
  var revoked: String?
  var created: String
  var creator: String
  var lastUsed: String?
  var lastAddress: String?
  var predecessor: RelatedToken?
  var successor: RelatedToken?
  /// When the previous secret of a client expires.
  var formerSecret: String?
  /// Whether the current session was opened with the token.
  var isOwn: Bool

  /// The status for display.
  struct Status: Sendable, Equatable {
    var label: String
    /// The colour of the badge.
    var tone: String
  }

  /// The predecessor or successor of a rotated token.
  struct RelatedToken: Sendable {
    var relatedPath: String
    var relatedName: String
    var relatedIsActive: Bool
    var relatedUsed: String?
  }

  /// The path of a token's page.
  static func path(of id: TokenID) -> String { "\(ConsoleSection.api.path)/\(id)" }

  /// - Parameter own: the token that opened the current session.
  init(_ token: ListedToken, own: TokenID?, at now: Date) {
    id = token.id.description
    path = Self.path(of: token.id)
    name = token.name
    kindName = token.kind == .client ? "OAuth client" : "Token"
    isToken = token.kind != .client
    isClient = token.kind == .client
    scopes = token.scopes.map(\.rawValue)
    status = Self.status(of: token, at: now)
    isActive = token.isActive(at: now)
    expires = token.expiresAt.map(Timestamp.text)
    revoked = token.revokedAt.map(Timestamp.text)
    created = Timestamp.text(token.createdAt)
    creator = ConsoleText.actor(token.createdBy)
    lastUsed = token.lastUse.map { Timestamp.text($0.at) }
    lastAddress = token.lastUse.map { $0.address.isEmpty ? "one of many addresses" : $0.address }
    predecessor = token.predecessor.map(RelatedToken.init)
    successor = token.successor.map(RelatedToken.init)
    formerSecret = token.formerUntil.flatMap { $0 > now ? Timestamp.text($0) : nil }
    isOwn = token.id == own
  }

  /// The time before the expiry in which a token expires soon, in seconds.
  static let expiryWarning: TimeInterval = 14 * 86_400

  /// The status of a token at `now`.
  static func status(of token: ListedToken, at now: Date) -> Status {
    if token.revokedAt != nil { return Status(label: "Revoked", tone: "bad") }
    guard let end = token.expiresAt else { return Status(label: "Active", tone: "good") }
    if end <= now { return Status(label: "Expired", tone: "bad") }
    return end <= now + expiryWarning ? Status(label: "Expires soon", tone: "warn") : Status(label: "Active", tone: "good")
  }

  /// The question before a revocation, with the last use of the token.
  var question: String {
    var text = "Revoke '\(name)'? Requests with it are rejected within a second. This cannot be undone."
    if let lastUsed, let lastAddress {
      text += " It was last used on \(lastUsed.prefix(10)) from \(lastAddress)."
    } else {
      text += " It has never been used."
    }
    if isOwn { text += " You signed in with it: you will be signed out." }
    return text
  }
}

extension TokenView.RelatedToken {
  init(_ token: ListedToken.RelatedToken) {
    relatedPath = TokenView.path(of: token.id)
    relatedName = token.name
    relatedIsActive = token.isActive
    relatedUsed = token.lastUsedAt.map(Timestamp.text)
  }
}

/// The view model of the list of tokens.
struct TokensView: Sendable {
  var tokens: [TokenView]
  var isEmpty: Bool
  /// Whether the list shows revoked and expired tokens.
  var showsEnded: Bool
  var hasOAuth: Bool
  var pager: Pager
}

/// The view model of a token's page.
struct TokenDetailsView: Sendable {
  var token: TokenView
  var question: String
  /// The id of the token that a rotation creates, so that submitting the form twice creates one token.
  var successorID: String
  var canRotate: Bool
  var gracePeriods: [FormOption]
  var expiries: [FormOption]
  var uses: [Use]
  var hasUses: Bool
  var hasMoreUses: Bool

  /// The uses of the token on a day from an address.
  struct Use: Sendable {
    var day: String
    var address: String
    var count: String
    var last: String
  }

  /// - Parameter uses: up to one more than ``TokensController/maximumUses``.
  init(_ token: TokenView, uses found: [TokenUse]) {
    self.token = token
    question = token.question
    successorID = TokenID.made(at: Date()).description
    canRotate = token.isActive && token.successor == nil
    gracePeriods =
      token.isClient
      ? PeriodChoice.options(PeriodChoice.secretGracePeriods, selected: "1")
      : PeriodChoice.options(PeriodChoice.tokenGracePeriods, selected: "none")
    expiries = PeriodChoice.options(PeriodChoice.expiries, selected: "365")
    uses = found.prefix(TokensController.maximumUses).map { use in
      Use(
        day: use.day, address: use.address.isEmpty ? "others" : use.address, count: ConsoleText.number(use.count),
        last: Timestamp.text(use.lastUsedAt))
    }
    hasUses = !uses.isEmpty
    hasMoreUses = found.count > uses.count
  }
}
