import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the directory from the views that group-sync maintains.
///
/// Lists are paged by key (keyset pagination): each page is one range of an index.
package struct DatabaseDirectory: DirectoryReads {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  package func groups(after: GroupID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryGroup] {
    try await rows(Self.groups, of: workspace, [.uuid(after?.uuid ?? Self.smallestID), .int(Int64(limit))]).map(Self.group)
  }

  package func group(_ id: GroupID, in workspace: WorkspaceID) async throws -> DirectoryGroup? {
    try await rows(Self.group, of: workspace, [.uuid(id.uuid)]).first.map(Self.group)
  }

  package func members(
    of group: GroupID, status: MembershipStatus?, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryPerson] {
    // This scans many rows if few members have the status, so it counts as a search.
    let rows = try await database.search(
      Self.groupMembers,
      [
        .uuid(workspace.uuid), .uuid(group.uuid), .uuid(after?.uuid ?? Self.smallestID), .optional(status?.rawValue, PostgresValue.text),
        .int(Int64(limit)),
      ], in: workspace)
    return try rows.map { row in
      var member = try Self.member(row)
      member.status = try row.optionalString(5)
      member.waitsFor = try row.optionalString(6)
      return member
    }
  }

  package func members(in state: UserState, after: UserID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryPerson] {
    try await rows(
      Self.members, of: workspace, [.text(state.rawValue), .uuid(after?.uuid ?? Self.smallestID), .int(Int64(limit))]
    ).map(Self.member)
  }

  package func receipts(
    of member: UserID?, before: ReceiptID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DeprovisionReceipt] {
    let page: [PostgresValue] = [.uuid(before?.uuid ?? Self.largestID), .int(Int64(limit))]
    let rows =
      if let member {
        try await rows(Self.receiptsOfMember, of: workspace, [.uuid(member.uuid)] + page)
      } else {
        try await rows(Self.receipts, of: workspace, page)
      }
    return try rows.map(Self.receipt)
  }

  package func receipt(_ id: ReceiptID, in workspace: WorkspaceID) async throws -> DeprovisionReceipt? {
    try await rows(Self.receipt, of: workspace, [.uuid(id.uuid)]).first.map(Self.receipt)
  }

  package func signingKeys() async throws -> [String] {
    // The keys belong to the deployment, so the query has no workspace.
    try await database.query(Self.signingKeys, []).map { try $0.string(0) }
  }

  /// Runs an indexed query whose first parameter is the workspace.
  private func rows(_ statement: Statement, of workspace: WorkspaceID, _ parameters: [PostgresValue]) async throws -> Rows {
    try await database.query(statement, [.uuid(workspace.uuid)] + parameters, in: workspace)
  }

  /// The smallest and the largest UUID, from which lists without a cursor start.
  private static let smallestID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  private static let largestID = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))

  private static func group(_ row: Row) throws -> DirectoryGroup {
    DirectoryGroup(id: GroupID(try row.uuid(0)), displayName: try row.string(1))
  }

  private static func member(_ row: Row) throws -> DirectoryPerson {
    DirectoryPerson(
      id: UserID(try row.uuid(0)), state: try row.optionalString(1).flatMap(UserState.init(rawValue:)), email: try row.optionalString(2),
      displayName: try row.optionalString(3), role: try row.optionalString(4))
  }

  private static func receipt(_ row: Row) throws -> DeprovisionReceipt {
    try JSONData.decode(from: row.bytes(0), type: "receipt")
  }
}

extension DatabaseDirectory {
  private static let groups = Statement(
    "directory groups",
    """
    select id, display_name
    from directory_read.groups
    where workspace_id = $1
    and id > $2
    order by id
    limit $3::int8
    """)

  private static let group = Statement(
    "directory group",
    """
    select id, display_name
    from directory_read.groups
    where workspace_id = $1
    and id = $2
    """)

  private static let groupMembers = Statement(
    "directory group members",
    """
    select member_id, state, email, member_name, role, status, waits_for
    from directory_read.group_members
    where workspace_id = $1
    and group_id = $2
    and member_id > $3
    and ($4::text is null or status = $4)
    order by member_id
    limit $5::int8
    """)

  private static let members = Statement(
    "directory members",
    """
    select id, state, email, display_name, role
    from directory_read.members
    where workspace_id = $1
    and state = $2
    and id > $3
    order by id
    limit $4::int8
    """)

  private static let receipts = Statement(
    "directory receipts",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and id < $2
    order by id desc
    limit $3::int8
    """)

  private static let receiptsOfMember = Statement(
    "directory receipts of member",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and member_id = $2
    and id < $3
    order by id desc
    limit $4::int8
    """)

  private static let receipt = Statement(
    "directory receipt",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and id = $2
    """)

  private static let signingKeys = Statement(
    "directory signing keys",
    """
    select jwk
    from directory_read.signing_keys
    order by first_used_at desc
    """)
}
