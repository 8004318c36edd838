import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the invitations of a workspace, and the history of one.
package struct InvitationsQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// An invitation with the person who was invited.
  package struct Listed: Sendable, Equatable {
    /// The invitation.
    package var invitation: StoredInvitation
    /// The id of the person.
    package var user: UserID
    /// The person's `userName`; nil if the person was deleted.
    package var userName: String?
    /// The person's address.
    package var email: String?
  }

  /// A change of the state of an invitation.
  package struct Change: Sendable, Equatable {
    /// When the state changed.
    package var at: Date
    /// The new state.
    package var state: String
    /// The reason; may be empty.
    package var reason: String
  }

  /// The maximum number of changes that are read.
  package static let maximumChanges = 200

  /// The invitations, newest first.
  ///
  /// - Parameters:
  ///   - state: nil for all states.
  ///   - user: nil for all people.
  ///   - last: the last invitation of the previous page.
  package func invitations(
    in state: InvitationState?, of user: UserID?, after last: InvitationID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [Listed] {
    // A rare state may need a scan of all invitations.
    try await database.search(
      Self.list,
      [
        .uuid(workspace.uuid), .optional(state?.rawValue, PostgresValue.text), .optional(user?.uuid, PostgresValue.uuid),
        .optional(last?.uuid, PostgresValue.uuid), .int(Int64(limit)),
      ], in: workspace
    ).compactMap(Self.listed)
  }

  /// An invitation; nil if it does not exist.
  package func invitation(_ id: InvitationID, in workspace: WorkspaceID) async throws -> Listed? {
    try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.flatMap(Self.listed)
  }

  /// The changes of the state of an invitation, the earliest first.
  package func history(of id: InvitationID, in workspace: WorkspaceID) async throws -> [Change] {
    try await database.query(
      Self.changes, [.uuid(workspace.uuid), .uuid(id.uuid), .int(Int64(Self.maximumChanges))], in: workspace
    ).map { row in Change(at: try row.timestamp(0), state: try row.string(1), reason: try row.string(2)) }
  }

  private static func listed(_ row: Row) throws -> Listed? {
    guard let invitation = try StoredInvitation(row, from: 0) else { return nil }
    return Listed(
      invitation: invitation, user: UserID(try row.uuid(12)), userName: try row.optionalString(13), email: try row.optionalString(14))
  }

  private static let columns = "\(StoredInvitation.columns), i.user_id, u.user_name, u.email"

  private static let list = Statement(
    "scim_api invitations",
    """
    select \(columns)
    from (
      select *
      from mailer_read.invitations
      where workspace_id = $1
      and ($2::text is null or state = $2)
      and ($3::uuid is null or user_id = $3)
      and ($4::uuid is null or id < $4)
      order by id desc
      limit $5::int8
    ) i
    left join identity_read.users u on u.workspace_id = $1 and u.id = i.user_id
    order by i.id desc
    """)

  private static let one = Statement(
    "scim_api invitation",
    """
    select \(columns)
    from mailer_read.invitations i
    left join identity_read.users u on u.workspace_id = $1 and u.id = i.user_id
    where i.workspace_id = $1
    and i.id = $2
    """)

  private static let changes = Statement(
    "scim_api invitation history",
    """
    select at, state, reason
    from mailer_read.invitation_history
    where workspace_id = $1
    and invitation_id = $2
    order by id
    limit $3::int8
    """)
}
