import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM
import SCIMStorage

/// `/console/members`: the people of the workspace by state, and a search for any of them.
struct MembersPage: Sendable {
  let query: MembersQuery
  let cursors: CursorSeal
  private let template: ConsoleTemplate

  /// How many people a page has.
  static let size = 50
  /// What a search compares; nobody's name is longer in the index.
  static let maximumSearchLength = 200

  /// - Throws: where a template that is built in cannot be read.
  init(query: MembersQuery, cursors: CursorSeal) throws {
    self.query = query
    self.cursors = cursors
    template = try ConsoleTemplate(PackageResources.members_mustache)
  }

  var all: [ConsoleEndpoint] {
    // The console begins with it.
    ["", "/members"].map { pattern in ConsoleEndpoint.page(pattern) { try await page($0, $1) } }
  }

  private func page(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let now = Date()
    let request = try MembersRequest(parameters)
    async let totals = query.totals(in: context.workspace)
    let found: [ListedMember]
    switch request.what {
    case .search(let text, let state):
      found = try await query.members(
        beginningWith: text, in: state.map { [$0] } ?? UserState.allCases, limit: Self.size + 1, in: context.workspace)
    case .list(let state, let order):
      let place = try request.cursor.map { text throws(APIError) in
        try cursors.cursor(text, for: request.listName, in: context.workspace, at: now).place
      }
      found = try await query.members(state, by: order, after: place, limit: Self.size + 1, in: context.workspace)
    }
    let actors = try await ActorNames(
      in: found.compactMap { $0.state == .invited ? $0.invitation?.reason : nil }, of: context.workspace, database: query.database)
    let view = MembersView(
      request, found, totals: try await totals, workspace: context.session.caller.settings, actors: actors, at: now
    ) { last in
      let cursor = Cursor(place: Place(key: last.nameKey, kind: .user, id: last.id.resource), total: 0)
      return cursors.text(of: cursor, for: request.listName, in: context.workspace, at: now)
    }
    return ConsolePage(title: "Members", section: .members, template: template, values: view)
  }
}

/// What is asked of the members page.
struct MembersRequest: Sendable, Equatable {
  enum What: Sendable, Equatable {
    case list(UserState, by: MembersQuery.Order)
    /// Whoever's name begins so; nil: in any state.
    case search(String, in: UserState?)
  }

  var what: What
  var cursor: String?

  init(_ what: What, cursor: String? = nil) {
    self.what = what
    self.cursor = cursor
  }

  /// - Throws: 400 where there is no such state.
  init(_ parameters: QueryParameters) throws(APIError) {
    let state = try parameters["state"].map { text throws(APIError) in
      guard let state = UserState(rawValue: text) else {
        throw APIError(400, .invalidValue, "There is no state '\(text.prefix(50))': people are active, invited or disabled.")
      }
      return state
    }
    let text = String(
      (parameters["q"] ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(MembersPage.maximumSearchLength))
    if text.isEmpty {
      what = .list(state ?? .active, by: parameters["order"].flatMap(MembersQuery.Order.init) ?? .name)
      cursor = parameters["cursor"]
    } else {
      what = .search(text, in: state)
    }
  }

  /// What a cursor is good for.
  var listName: String {
    switch what {
    case .list(let state, let order): "console/members/\(state.rawValue)/\(order.rawValue)"
    case .search: "console/members"
    }
  }

  /// Where it is answered, from its beginning on.
  var path: String {
    var items: [URLQueryItem] = []
    switch what {
    case .list(let state, let order):
      if state != .active { items.append(URLQueryItem(name: "state", value: state.rawValue)) }
      if order != .name { items.append(URLQueryItem(name: "order", value: order.rawValue)) }
    case .search(let text, let state):
      items.append(URLQueryItem(name: "q", value: text))
      if let state { items.append(URLQueryItem(name: "state", value: state.rawValue)) }
    }
    if let cursor { items.append(URLQueryItem(name: "cursor", value: cursor)) }
    return ConsoleSection.members.path + (items.isEmpty ? "" : "?" + items.encoded)
  }
}

extension [URLQueryItem] {
  /// As it stands in a URL; URLComponents leaves `+` and `;` alone, which a server may read otherwise.
  fileprivate var encoded: String {
    map { item in "\(item.name)=\((item.value ?? "").addingPercentEncoding(withAllowedCharacters: .unreserved) ?? "")" }.joined(
      separator: "&")
  }
}

extension CharacterSet {
  /// RFC 3986 §2.3.
  fileprivate static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
