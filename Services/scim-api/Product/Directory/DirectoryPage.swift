import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIMStorage

/// A requested page of a directory list: up to `limit` items, starting at `cursor`.
struct DirectoryPage: Sendable {
  let limit: Int
  /// The id of the last item of the previous page; nil for the first page.
  let after: ResourceID?

  private let list: String
  private let workspace: WorkspaceID
  private let cursors: CursorSeal
  private let now: Date

  static let defaultLimit = 100
  static let maximumLimit = 200

  /// Reads `limit` and `cursor` from the query of a request.
  ///
  /// - Parameter list: the name of the list with its filters; a cursor of another list is rejected.
  /// - Throws: 400 if `limit` or `cursor` is invalid.
  init(_ parameters: QueryParameters, of list: String, in workspace: WorkspaceID, cursors: CursorSeal, at now: Date) throws(APIError) {
    self.list = "directory/\(list)"
    self.workspace = workspace
    self.cursors = cursors
    self.now = now
    limit = try parameters.integer("limit") ?? Self.defaultLimit
    guard (1...Self.maximumLimit).contains(limit) else {
      throw APIError(400, .invalidValue, "limit is \(limit); a whole number from 1 to \(Self.maximumLimit) was expected.")
    }
    if let text = parameters["cursor"] {
      after = try cursors.cursor(text, for: self.list, in: workspace, at: now).place.id
    } else {
      after = nil
    }
  }

  /// The number of items to read: one more than `limit`, which shows whether there is another page.
  var readLimit: Int { limit + 1 }

  /// The items of the page and the cursor of the next page; nil on the last page.
  ///
  /// - Parameter found: up to ``readLimit`` items.
  func split<Item>(_ found: [Item], by id: (Item) -> ResourceID) -> (items: [Item], next: String?) {
    guard found.count > limit, let last = found.prefix(limit).last else { return (found, nil) }
    let cursor = Cursor(place: CursorPosition(key: nil, kind: .user, id: id(last)), total: 0)
    return (Array(found.prefix(limit)), cursors.text(of: cursor, for: list, in: workspace, at: now))
  }
}
