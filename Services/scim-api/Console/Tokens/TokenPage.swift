import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/settings/api/{id}`: a token or an OAuth client, from where it was used, its rotation and its end.
struct TokenPage: Sendable {
  let query: TokensQuery
  let commands: CommandClient
  let secrets: SecretPage
  private let template: ConsoleTemplate

  /// How many days and addresses are shown.
  static let maximumUses = 100

  /// - Throws: where a template that is built in cannot be read.
  init(query: TokensQuery, commands: CommandClient, secrets: SecretPage) throws {
    self.query = query
    self.commands = commands
    self.secrets = secrets
    template = try ConsoleTemplate(PackageResources.token_mustache)
  }

  var all: [ConsoleEndpoint] {
    [
      .page("/settings/api/{id}") { _, context in try await page(context) },
      .action("/settings/api/{id}/rotate", rotate), .action("/settings/api/{id}/revoke", revoke),
    ]
  }

  private func page(_ context: ConsoleContext) async throws -> ConsolePage {
    let token = try await token(context)
    let uses = try await query.uses(of: token.id, limit: Self.maximumUses + 1, in: context.workspace)
    let view = TokenView(token, own: context.session.openedWith, at: Date())
    return ConsolePage(
      title: token.name, section: .api, template: template,
      values: Values(
        token: view, question: view.question, successorID: TokenID.made(at: Date()).description,
        canRotate: view.isGood && view.successor == nil,
        retirements: TimeChoice.marked(
          view.isClient ? TimeChoice.secretRetirements : TimeChoice.retirements, view.isClient ? "1" : "none"
        ).map(ShownChoice.init),
        expiries: TimeChoice.marked(TimeChoice.expiries, "365").map(ShownChoice.init),
        uses: uses.prefix(Self.maximumUses).map(Values.Use.init), hasUses: !uses.isEmpty, hasMoreUses: uses.count > Self.maximumUses))
  }

  private struct Values: Sendable {
    var token: TokenView
    var question: String
    /// Made with the page, so that a form that is sent twice makes one.
    var successorID: String
    var canRotate: Bool
    var retirements: [ShownChoice]
    var expiries: [ShownChoice]
    var uses: [Use]
    var hasUses: Bool
    var hasMoreUses: Bool

    struct Use: Sendable {
      var day: String
      var address: String
      var count: String
      var last: String

      init(_ row: TokenUseRow) {
        day = row.day
        address = row.address.isEmpty ? "others" : row.address
        count = ConsoleText.number(row.count)
        last = Timestamp.text(row.lastUsedAt)
      }
    }
  }

  private func rotate(_ form: Form, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
    let token = try await token(context)
    let now = Date()
    let days = form["grace"].flatMap { Int($0) }.map { min(max($0, 0), 365) }
    let until = days.map { now + TimeInterval($0) * 86_400 }
    if token.kind == .client {
      let secret = ClientSecret.made(for: context.workspace).text
      let rotation = SecretRotation(client: token.id, digest: Hex.digest(of: secret), formerUntil: days == 0 ? nil : until ?? now + 86_400)
      try await carryOut(.rotateSecret(rotation), context)
      return .page(secrets.page(secret, of: token.id, .client, token.name, Set(token.scopes), context))
    }
    guard let successor = form["successor"].flatMap({ TokenID($0) }) else {
      throw APIError(422, "The form is not whole. Open the token's page again, and repeat it there.")
    }
    if token.successor?.id == successor { throw SecretPage.sentTwice }
    let text = AccessToken.made(for: context.workspace).text
    let end = TimeChoice.expiries.first { $0.value == form["expiry"] }?.days
    let rotation = TokenRotation(
      token: token.id, successor: successor, digest: Hex.digest(of: text), retiresAt: until,
      expiresAt: end.map { now + TimeInterval($0) * 86_400 })
    try await carryOut(.rotateToken(rotation), context)
    return .page(secrets.page(text, of: successor, .token, token.name, Set(token.scopes), context))
  }

  private func revoke(_ form: Form, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
    let token = try await token(context)
    try await carryOut(.revokeToken(TokenRevocation(token: token.id)), context)
    if token.id == context.session.openedWith { return .leave(to: ConsolePath.signIn) }
    return .redirect(to: TokenView.path, saying: "'\(token.name)' is revoked. Whatever still uses it is refused.")
  }

  private func carryOut(_ operation: Command.Operation, _ context: ConsoleContext) async throws {
    let outcome = try await commands.execute(
      operation, on: context.workspace.resource, for: context.session.caller, info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
  }

  /// The one that the path names.
  private func token(_ context: ConsoleContext) async throws -> ListedToken {
    guard let id = context.parameters.get("id").flatMap({ TokenID($0) }), let token = try await query.token(id, in: context.workspace)
    else { throw APIError(404, "The workspace has no such token or OAuth client.") }
    return token
  }
}

/// How the console writes things.
enum ConsoleText {
  /// With separators of thousands: `1,234`.
  static func number(_ number: Int) -> String {
    let digits = String(number.magnitude)
    let head = digits.count % 3
    var parts = head == 0 ? [] : [String(digits.prefix(head))]
    var rest = digits.dropFirst(head)
    while !rest.isEmpty {
      parts.append(String(rest.prefix(3)))
      rest = rest.dropFirst(3)
    }
    return (number < 0 ? "-" : "") + parts.joined(separator: ",")
  }
}
