import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage

/// The SQL statement of a list of all users, ordered by id: the most frequent list of identity providers.
///
/// The users of a page have adjacent ids, so one range of an index has their memberships. That takes a quarter less time than a look-up
/// for each user, as in ``ListStatement``.
///
/// The first row has the total, if it is counted, and the memberships as three parallel arrays. Each further row is a user.
struct UserListStatement {
  let statement: Statement
  let parameters: [PostgresValue]

  /// The maximum number of memberships that are read with a page.
  private static let maximumMemberships = 50_000

  /// - Returns: nil if the query is not a list of all users.
  init?(_ query: ResourceQuery, in workspace: WorkspaceID) {
    guard query.sources.count == 1, let source = query.sources.first, source.kind == .user, source.filter == nil, source.sortBy == nil
    else { return nil }
    let isForward: Bool
    let start: Start
    switch query.part {
    case .page(let page):
      isForward = true
      start = .offset
      parameters = [.uuid(workspace.uuid), .int(Int64(page.count)), .int(Int64(page.offset))]
    case .from(nil, let count):
      isForward = true
      start = .first
      parameters = [.uuid(workspace.uuid), .int(Int64(count) + 1)]
    case .from(let place?, let count):
      isForward = place.isForward
      start = .id
      parameters = [.uuid(workspace.uuid), .int(Int64(count) + 1), .uuid(place.id.uuid)]
    }
    // Reading backward is reading forward in the opposite order.
    statement = Self.statement(from: start, ascending: query.ascending == isForward, withRows: source.withRows)
  }

  /// Where a page starts.
  private enum Start {
    case first
    /// At the position `$3`.
    case offset
    /// After the id `$3`.
    case id
  }

  /// One of a fixed set of statements. Parameters: workspace, limit, start.
  private static func statement(from start: Start, ascending: Bool, withRows: Bool) -> Statement {
    let (sign, order) = ascending ? (">", "id") : ("<", "id desc")
    let condition =
      switch start {
      case .first: "true"
      // Skipped users are read from the index only.
      case .offset:
        """
        r.id \(sign)= (
          select f.id from identity_read.users f where f.workspace_id = $1 order by f.\(order) offset $3 limit 1
        )
        """
      case .id: "r.id \(sign) $3"
      }
    let total = start == .id ? "null::int8" : ListSource.countAll(.user)
    return Statement(
      "scim_api_users_from_\(start)\(ascending ? "" : "_descending")\(withRows ? "_rows" : "")",
      """
      with page as materialized (
        select p.*, sum(octet_length(p.document)) over w as bytes_before, lead(true) over w as has_next
        from (
          select r.id, r.version, r.modified_at, r.document
          from identity_read.users r
          where r.workspace_id = $1
          and \(condition)
          order by r.\(order)
          limit $2
        ) p
        window w as (order by p.\(order) rows between unbounded preceding and 1 preceding)
      )
      select
        \(total) as total, m.owners, m.ids, m.names, null::uuid as id, null::int8 as version, null::timestamptz as modified_at,
        null::text as document, null::bool as has_next
      from (
        \(withRows ? memberships : "select null::uuid[] as owners, null::uuid[] as ids, null::text[] as names")
      ) m
      union all
      select null, null, null, null, id, version, modified_at, document, has_next
      from page
      where coalesce(bytes_before, 0) < \(ListResponse.maximumBytes)
      order by \(order) nulls first
      """)
  }

  /// The memberships of the users of `page`, in the order of their ids.
  private static let memberships = """
    select array_agg(n.user_id) as owners, array_agg(n.group_id) as ids, array_agg(n.display_name) as names
    from (
      select m.user_id, m.group_id, g.display_name
      from identity_read.memberships m
      join identity_read.groups g on g.workspace_id = m.workspace_id and g.id = m.group_id
      where m.workspace_id = $1
      and m.user_id >= (select id from page order by id limit 1)
      and m.user_id <= (select id from page order by id desc limit 1)
      order by m.user_id, m.group_id
      limit \(maximumMemberships + 1)
    ) n
    """

  // MARK: - Result

  /// The page in the result.
  func found(in rows: Rows, of query: ResourceQuery) throws -> FoundResources {
    guard let head = rows.first else { return FoundResources(resources: []) }
    let total = try head.optionalInt(0)
    let memberships = query.sources[0].withRows ? try Memberships(head, from: 1) : nil
    let users = try rows.dropFirst().map { row in
      var found = try FoundResource(row, from: 4, withRows: false)
      memberships?.add(to: &found)
      return ListedResource(kind: .user, found: found)
    }
    switch query.part {
    case .page: return FoundResources(total: total, resources: users)
    case .from(let place, let count):
      let isCut = rows.count > 1 ? try rows[rows.count - 1].optionalBool(8) ?? false : false
      return FoundResources(total: total, read: users, from: place, count: count, isCut: isCut)
    }
  }

  /// The memberships of the users of a page.
  private struct Memberships {
    private var ids: [UUID]
    private var names: [String]
    /// The positions of each user's memberships.
    private var ranges: [UUID: Range<Int>] = [:]
    private let isComplete: Bool

    /// - Parameter column: the first of the columns with the users, their groups and the names of these.
    init(_ row: Row, from column: Int) throws {
      let owners = try row.optionalUUIDArray(column) ?? []
      ids = try row.optionalUUIDArray(column + 1) ?? []
      names = try row.optionalTextArray(column + 2) ?? []
      isComplete = owners.count <= UserListStatement.maximumMemberships
      var start = 0
      for index in owners.indices where index + 1 == owners.count || owners[index + 1] != owners[index] {
        // Of the last user there may be more.
        if isComplete || index + 1 < owners.count { ranges[owners[index]] = start..<index + 1 }
        start = index + 1
      }
    }

    /// Adds the groups of a user. A user whose memberships were not all read gets none, and is read again.
    func add(to found: inout FoundResource) {
      let range = ranges[found.resource.id.uuid] ?? 0..<0
      found.rows = range.prefix(FoundResource.maximumRows).map { ReferredResource(id: ResourceID(ids[$0]), name: names[$0]) }
      found.hasMoreRows = range.count > FoundResource.maximumRows || (range.isEmpty && !isComplete)
    }
  }
}
