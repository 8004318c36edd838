import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIMStorage

/// Which part of a list of the directory is asked for: `limit` of it, from `cursor` on.
struct DirectoryPart: Sendable {
  let limit: Int
  /// The id behind which it goes on; nil at the beginning.
  let after: ResourceID?

  private let list: String
  private let workspace: WorkspaceID
  private let cursors: CursorSeal
  private let now: Date

  static let defaultLimit = 100
  static let maximumLimit = 200

  /// - Parameter list: What is listed, and how it is narrowed: a cursor of another list is refused.
  /// - Throws: 400 where `limit` or `cursor` cannot be used.
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

  /// One more than is answered tells whether there are more.
  var sought: Int { limit + 1 }

  /// What is answered of `found`, and the cursor of what comes behind it; nil where nothing does.
  func cut<Item>(_ found: [Item], by id: (Item) -> ResourceID) -> (items: [Item], next: String?) {
    guard found.count > limit, let last = found.prefix(limit).last else { return (found, nil) }
    let cursor = Cursor(place: Place(key: nil, kind: .user, id: id(last)), total: 0)
    return (Array(found.prefix(limit)), cursors.text(of: cursor, for: list, in: workspace, at: now))
  }
}
