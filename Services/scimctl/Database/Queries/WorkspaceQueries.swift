import Postgres

/// Statements that read workspaces and the replies of identity-store.
enum WorkspaceQueries {
  /// The id, settings and version of the workspace with slug `$1`.
  static let workspaceBySlug = Statement(
    "workspace by slug",
    """
    select id, settings::text, version
    from identity_read.workspaces
    where slug = $1
    """)

  /// All workspaces by slug: slug, id, settings.
  static let workspaces = Statement(
    "workspaces",
    """
    select slug, id, settings::text
    from identity_read.workspaces
    order by slug
    """)

  /// The number of users for each role of workspace `$1`.
  static let usersByRole = Statement(
    "users by role",
    """
    select role, count(*)
    from identity_read.users
    where workspace_id = $1
    group by role
    """)

  /// The stored reply to command `$2` of workspace `$1`.
  static let recordedReply = Statement(
    "recorded reply",
    """
    select attributes, data
    from identity_read.replies
    where workspace_id = $1
    and command_id = $2
    """)
}
