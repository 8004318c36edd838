import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// `/console/settings/api`: the API access tokens and OAuth clients of the workspace.
struct TokensPage: Sendable {
  let query: TokensQuery
  let hasOAuth: Bool
  private let template: ConsoleTemplate

  /// How many a page has.
  static let size = 50

  /// - Throws: where a template that is built in cannot be read.
  init(query: TokensQuery, hasOAuth: Bool) throws {
    self.query = query
    self.hasOAuth = hasOAuth
    template = try ConsoleTemplate(PackageResources.tokens_mustache)
  }

  var endpoint: ConsoleEndpoint {
    .page("/settings/api") { parameters, context in
      let ended = parameters["show"] == "ended"
      // Beyond an id there is nothing to guess: the list is the workspace's own, whatever stands there.
      let last = parameters["after"].flatMap { TokenID($0) }
      let found = try await query.tokens(ended: ended, after: last, limit: Self.size + 1, in: context.workspace)
      let now = Date()
      let shown = found.prefix(Self.size).map { TokenView($0, own: context.session.openedWith, at: now) }
      let path = TokenView.path + (ended ? "?show=ended" : "")
      let more = found.count > Self.size ? shown.last.map { "\(path)\(ended ? "&" : "?")after=\($0.id)" } : nil
      return ConsolePage(
        title: "API", section: .api, template: template,
        values: Values(
          tokens: shown, isEmpty: shown.isEmpty, showsEnded: ended, hasOAuth: hasOAuth,
          pager: Values.Pager(first: last == nil ? nil : path, next: more)))
    }
  }

  private struct Values: Sendable {
    var tokens: [TokenView]
    var isEmpty: Bool
    var showsEnded: Bool
    var hasOAuth: Bool
    var pager: Pager

    struct Pager: Sendable {
      var first: String?
      var next: String?
    }
  }
}
