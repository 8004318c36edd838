import EdgeHTTP
import Foundation
import Models

/// A requested page of a list: up to `limit` items, starting at `cursor`.
struct ListPage: Sendable {
  let limit: Int
  /// The place of the last item of the previous page; nil for the first page.
  let after: CursorPosition?

  private let list: String
  private let workspace: WorkspaceID
  private let cursors: CursorSeal
  private let now: Date

  static let defaultLimit = 50
  static let maximumLimit = 200

  /// Reads `limit` and `cursor` from the query of a request.
  ///
  /// - Parameter list: the name of the list with its filters; a cursor of another list is rejected.
  /// - Throws: 400 if `limit` or `cursor` is invalid.
  init(_ parameters: QueryParameters, of list: String, in workspace: WorkspaceID, cursors: CursorSeal, at now: Date) throws {
    self.list = "admin/\(list)"
    self.workspace = workspace
    self.cursors = cursors
    self.now = now
    limit = try parameters.integer("limit") ?? Self.defaultLimit
    guard (1...Self.maximumLimit).contains(limit) else {
      throw ProblemDetails.invalid("limit", "limit is \(limit); a whole number from 1 to \(Self.maximumLimit) was expected.")
    }
    after = try parameters["cursor"].map { text in try cursors.cursor(text, for: self.list, in: workspace, at: now).place }
  }

  /// The number of items to read: one more than `limit`, which shows whether there is another page.
  var readLimit: Int { limit + 1 }

  /// The items of the page and the cursor of the next page; nil on the last page.
  ///
  /// - Parameter found: up to ``readLimit`` items.
  func split<Item>(_ found: [Item], by place: (Item) -> CursorPosition) -> (items: [Item], next: String?) {
    guard found.count > limit, let last = found.prefix(limit).last else { return (found, nil) }
    return (Array(found.prefix(limit)), cursor(after: place(last)))
  }

  /// The cursor of the page after `place`.
  func cursor(after place: CursorPosition) -> String {
    cursors.text(of: Cursor(place: place, total: 0), for: list, in: workspace, at: now)
  }
}
