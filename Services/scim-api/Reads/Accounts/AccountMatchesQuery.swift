import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the users who wait for a decision about an imported account; see ``HeldChangeKind/accountMatched``.
package struct AccountMatchesQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// A user who waits, and the account that may be theirs.
  package struct Match: Sendable, Equatable {
    /// The held change.
    package var change: HeldChangeID
    /// When the user began to wait.
    package var heldAt: Date
    /// The user.
    package var user: UserID
    /// The `userName`.
    package var userName: String
    /// The display name.
    package var displayName: String?
    /// The primary address.
    package var email: String?
    /// The `externalId`.
    package var externalID: String?
    /// The account; nil if the account that was found is gone, or is linked to another user in the meantime.
    package var account: AccountsQuery.Account?
    /// What user and account have in common; nil without an account.
    package var reason: Reason?
  }

  /// What a user and an account have in common.
  package enum Reason: Int, Sendable, Equatable {
    /// The address.
    case address
    /// The `externalId` of the user is that of the account.
    case externalID
    /// The `externalId` of the user is the product's id of the account.
    case accountID
  }

  /// The users who wait, newest first.
  ///
  /// The account is the one that identity-store would find with the policy `ask`: by the address, then by the `externalId`.
  ///
  /// - Parameter last: the last change of the previous page; nil for the first page.
  package func matches(after last: HeldChangeID?, limit: Int, in workspace: WorkspaceID) async throws -> [Match] {
    let end = HeldChangeID(bytes: Array(repeating: 0xFF, count: 16))
    return try await database.query(
      Self.statement, [.uuid(workspace.uuid), .uuid((last ?? end).uuid), .int(Int64(limit))], in: workspace
    ).map(Match.init)
  }

  static let statement = Statement(
    "account matches",
    """
    select
      h.id, h.held_at, u.id, u.user_name, u.display_name, u.email, u.external_id, a.account_id, a.email, a.external_id, a.state, a.imported_at,
      a.reason
    from (
      select id, held_at, resource_id
      from identity_read.held_changes
      where workspace_id = $1
      and status = 'pending'
      and kind = 'account-matched'
      and id < $2
      order by id desc
      limit $3
    ) h
    join identity_read.users u on u.workspace_id = $1 and u.id = h.resource_id
    left join lateral (
      select found.*
      from (
        select 0 as reason, account_id, email, external_id, state, user_id, imported_at
        from identity_read.accounts
        where workspace_id = $1
        and email_key = u.email_key
        union all
        select 1, account_id, email, external_id, state, user_id, imported_at
        from identity_read.accounts
        where workspace_id = $1
        and external_id = u.external_id
        union all
        select 2, account_id, email, external_id, state, user_id, imported_at
        from identity_read.accounts
        where workspace_id = $1
        and account_id = u.external_id
      ) found
      where found.user_id is null
      order by found.reason
      limit 1
    ) a on true
    order by h.id desc
    """)
}

extension AccountMatchesQuery.Match {
  fileprivate init(_ row: Row) throws {
    change = HeldChangeID(try row.uuid(0))
    heldAt = try row.timestamp(1)
    user = UserID(try row.uuid(2))
    userName = try row.string(3)
    displayName = try row.optionalString(4)
    email = try row.optionalString(5)
    externalID = try row.optionalString(6)
    guard let id = try row.optionalString(7) else { return }
    account = AccountsQuery.Account(
      id: id, email: try row.string(8), externalID: try row.optionalString(9), state: try row.string(10), user: nil,
      importedAt: try row.timestamp(11))
    reason = AccountMatchesQuery.Reason(rawValue: try row.int(12))
  }
}
