import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The query of the members page: a list by state, or a search.
struct MembersRequest: Sendable, Equatable {
  enum Query: Sendable, Equatable {
    case list(UserState, by: MembersQuery.Order)
    /// The members whose name starts with a text, in one state, or in any if the state is nil.
    case search(String, in: UserState?)
  }

  /// The maximum length of a search text in characters. Names in the index are not longer.
  static let maximumSearchLength = 200

  var query: Query
  var cursor: String?

  init(_ query: Query, cursor: String? = nil) {
    self.query = query
    self.cursor = cursor
  }

  /// - Throws: 400 if the state is unknown.
  init(_ parameters: QueryParameters) throws(APIError) {
    let state = try parameters["state"].map { text throws(APIError) in
      guard let state = UserState(rawValue: text) else {
        throw APIError(400, .invalidValue, "Unknown state '\(text.prefix(50))'. Use active, invited or disabled.")
      }
      return state
    }
    let text = String(
      (parameters["q"] ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(Self.maximumSearchLength))
    if text.isEmpty {
      query = .list(state ?? .active, by: parameters["order"].flatMap(MembersQuery.Order.init) ?? .name)
      cursor = parameters["cursor"]
    } else {
      query = .search(text, in: state)
    }
  }

  /// Identifies the list in cursors: a cursor is valid for one list.
  var listName: String {
    switch query {
    case .list(let state, let order): "console/members/\(state.rawValue)/\(order.rawValue)"
    case .search: "console/members"
    }
  }

  /// The path of the page with this query.
  var path: String {
    var parameters: [(name: String, value: String?)] = []
    switch query {
    case .list(let state, let order):
      parameters += [("state", state == .active ? nil : state.rawValue), ("order", order == .name ? nil : order.rawValue)]
    case .search(let text, let state):
      parameters += [("q", text), ("state", state?.rawValue)]
    }
    return ConsoleSection.members.path + ConsoleText.query(parameters + [("cursor", cursor)])
  }
}
