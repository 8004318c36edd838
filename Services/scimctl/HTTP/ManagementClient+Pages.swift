import Models
import SCIM

/// Items of a list.
struct ListedItems<Item: Sendable>: Sendable {
  /// The items, at most the limit.
  var items: [Item]
  /// Whether there are more than the limit.
  var isCut = false
}

extension ManagementClient {
  /// The largest page.
  private static let pageSize = 200

  /// Reads a list, page by page.
  ///
  /// - Parameters:
  ///   - name: The member with the items, such as `tokens`.
  ///   - limit: The maximum number of items; nil for all.
  /// - Throws: ``ScimctlError``.
  func list(
    _ path: APIPath, _ name: String, query: [(name: String, value: String?)] = [], limit: Int? = nil
  ) async throws -> ListedItems<JSON> {
    var found: [JSON] = []
    var cursor: String?
    repeat {
      // One more item than is needed shows whether there are more.
      let wanted = limit.map { min($0 - found.count + 1, Self.pageSize) } ?? Self.pageSize
      var parameters = query
      parameters.append((name: "limit", value: "\(wanted)"))
      parameters.append((name: "cursor", value: cursor))
      let page = try await get(path, query: parameters).json().object
      guard let items = page?[name]?.array else {
        throw ScimctlError(.internal, "the server's response has no list '\(name)'; it is of another version than this scimctl")
      }
      found += items
      cursor = page?["nextCursor"]?.string
      if let limit, found.count > limit { return ListedItems(items: Array(found.prefix(limit)), isCut: true) }
    } while cursor != nil
    return ListedItems(items: found)
  }

  /// Reads a list, and decodes its items.
  ///
  /// - Parameters:
  ///   - type: The type of the items.
  ///   - name: The member with the items, such as `tokens`.
  ///   - limit: The maximum number of items; nil for all.
  /// - Throws: ``ScimctlError``.
  func list<Item: Decodable & Sendable>(
    of type: Item.Type, _ path: APIPath, _ name: String, query: [(name: String, value: String?)] = [], limit: Int? = nil
  ) async throws -> ListedItems<Item> {
    let found = try await list(path, name, query: query, limit: limit)
    var items: [Item] = []
    for item in found.items {
      items.append(try ManagementResponse(status: 200, headers: [:], body: item.serialized()).decoded(as: "item of '\(name)'"))
    }
    return ListedItems(items: items, isCut: found.isCut)
  }
}
