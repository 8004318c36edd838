import Foundation
import HTTPTypes
import Hummingbird
import Models
import NIOCore
import SCIM

/// A requested page of a list of the management API: `limit` items from `cursor` on.
///
/// A cursor is valid for one list, with its filters, of one workspace. The response is an object with the items under the name of the list,
/// and `nextCursor` if there are more.
package struct AdminPage: Sendable {
  /// The maximum number of items.
  package let limit: Int
  /// The position of the last item of the previous page; nil for the first page.
  package let after: CursorPosition?

  private let name: String
  private let list: String
  private let workspace: WorkspaceID
  private let cursors: CursorSeal
  private let now: Date

  /// The default number of items.
  package static let defaultLimit = 50
  /// The largest number of items.
  package static let maximumLimit = 200

  /// Reads `limit` and `cursor` of a request.
  ///
  /// - Parameters:
  ///   - name: the name of the list, such as `tokens`: the member of the response with the items.
  ///   - filters: the filters of the list; a cursor is valid for the same ones only.
  /// - Throws: 400 if `limit` or `cursor` is invalid.
  package init(
    _ parameters: QueryParameters, of name: String, filters: [String?] = [], for caller: Caller, cursors: CursorSeal, at now: Date = Date()
  ) throws {
    self.name = name
    let list = "admin/\(name)\n" + filters.map { $0 ?? "" }.joined(separator: "\n")
    self.list = list
    workspace = caller.workspace
    self.cursors = cursors
    self.now = now
    limit = try parameters.integer("limit") ?? Self.defaultLimit
    guard (1...Self.maximumLimit).contains(limit) else {
      throw ProblemDetails.invalidParameter("limit", "limit is \(limit); a whole number from 1 to \(Self.maximumLimit) was expected.")
    }
    after = try parameters["cursor"].map { try cursors.cursor($0, for: list, in: caller.workspace, at: now).place }
  }

  /// The number of items to read: one more than ``limit``, which shows whether there is another page.
  package var readLimit: Int { limit + 1 }

  /// The response with the page.
  ///
  /// - Parameters:
  ///   - found: up to ``readLimit`` items.
  ///   - position: the position of an item, at which the next page starts.
  ///   - members: further members of the body.
  package func response<Item>(
    _ found: [Item], with members: JSONObject = JSONObject(), position: (Item) -> CursorPosition, json: (Item) throws -> JSON
  ) rethrows -> Response {
    let items = found.prefix(limit)
    let last = found.count > limit ? items.last : nil
    return response(try items.map(json), with: members, next: last.map(position))
  }

  /// The response with the items of the page.
  ///
  /// - Parameters:
  ///   - members: further members of the body.
  ///   - next: the position at which the next page starts; nil on the last page.
  package func response(_ items: [JSON], with members: JSONObject = JSONObject(), next: CursorPosition?) -> Response {
    var body: JSONObject = [name: .array(items)]
    for member in members { body[member.key] = member.value }
    if let next {
      body["nextCursor"] = .string(cursors.text(of: Cursor(place: next, total: 0), for: list, in: workspace, at: now))
    }
    return .management(.ok, .object(body))
  }
}

extension CursorPosition {
  /// The position after an item that is neither a user nor a group.
  ///
  /// - Parameter key: the sort value of the item; nil if the list is ordered by id.
  package init(after id: UUID, key: String? = nil) {
    self.init(key: key, kind: .user, id: ResourceID(id))
  }
}

extension Response {
  /// A response of the management API.
  package static func management(_ status: HTTPResponse.Status, _ json: JSON, headers: HTTPFields = [:]) -> Response {
    .json(status, ByteBuffer(bytes: json.serialized()), mediaType: MediaType.json, headers: headers)
  }
}

extension ProblemDetails {
  /// 400 for a query parameter with another value than expected.
  package static func invalidParameter(_ name: String, _ detail: String) -> ProblemDetails {
    ProblemDetails(400, .invalidParameter, detail, errors: [Item(.parameter(name), detail)])
  }
}
