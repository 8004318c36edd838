import EdgeHTTP
import Foundation
import Models
import Postgres
import Primitives

/// Reads imported accounts and imports.
package struct AccountsQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// A stored account.
  package struct Account: Sendable, Equatable {
    /// The product's id.
    package var id: String
    /// The address.
    package var email: String
    /// The id that the identity provider sends as `externalId`.
    package var externalID: String?
    /// `active` or `disabled`.
    package var state: String
    /// The user that is linked to the account.
    package var user: UserID?
    /// When it was last imported.
    package var importedAt: Date
  }

  /// A stored import.
  package struct Import: Sendable {
    /// The id: that of its first command.
    package var id: CommandID
    /// `staging`, `waiting`, `applying`, `done` or `failed`.
    package var status: String
    /// The actor who sent the file.
    package var createdBy: String
    /// When the file was sent.
    package var createdAt: Date
    /// When it was completely stored.
    package var startedAt: Date?
    /// When it was applied, or failed.
    package var finishedAt: Date?
    /// The number of lines.
    package var lines: Int?
    /// The last line that is applied.
    package var position: Int
    /// The number of existing users that were linked.
    package var linked: Int
    /// Why it failed: a JSON array of objects with `line` and `detail`.
    package var errors: String?
  }

  /// A line whose address or external id another stored account has.
  package struct Conflict: Sendable, Equatable {
    /// The number of the line.
    package var line: Int
    /// `email` or `externalId`.
    package var attribute: String
    /// The id of the other account.
    package var account: String
  }

  /// What an import would do.
  package struct Effect: Sendable, Equatable {
    /// How many accounts are stored already.
    package var existing = 0
    /// How many of these are linked.
    package var linked = 0
    /// How many existing users would be linked.
    package var matching = 0

    /// An effect of nothing, or with these numbers.
    package init(existing: Int = 0, linked: Int = 0, matching: Int = 0) {
      self.existing = existing
      self.linked = linked
      self.matching = matching
    }

    /// Adds the numbers of another part of the import.
    package static func += (left: inout Effect, right: Effect) {
      left.existing += right.existing
      left.linked += right.linked
      left.matching += right.matching
    }
  }

  /// A page of accounts in the order of their ids.
  ///
  /// - Parameter linked: Whether they are linked to users; `nil`: all.
  package func accounts(linked: Bool?, after: String?, limit: Int, in workspace: WorkspaceID) async throws -> [Account] {
    let statement =
      switch linked {
      case nil: Self.allAccounts
      case true?: Self.linkedAccounts
      case false?: Self.unlinkedAccounts
      }
    return try await database.query(
      statement, [.uuid(workspace.uuid), .text(after ?? ""), .int(Int64(limit))], in: workspace
    ).map { row in
      Account(
        id: try row.string(0), email: try row.string(1), externalID: try row.optionalString(2), state: try row.string(3),
        user: try row.optionalUUID(4).map { UserID($0) }, importedAt: try row.timestamp(5))
    }
  }

  private static let allAccounts = accounts("accounts", where: "")
  private static let linkedAccounts = accounts("linked accounts", where: "and user_id is not null")
  private static let unlinkedAccounts = accounts("accounts without users", where: "and user_id is null")

  private static func accounts(_ name: String, where condition: String) -> Statement {
    Statement(
      name,
      """
      select account_id, email, external_id, state, user_id, imported_at
      from identity_read.accounts
      where workspace_id = $1 and account_id > $2 \(condition)
      order by account_id
      limit $3
      """)
  }

  /// An import; nil if there is none.
  package func accountImport(_ id: CommandID, in workspace: WorkspaceID) async throws -> Import? {
    try await database.query(Self.importByID, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map { row in
      Import(
        id: id, status: try row.string(0), createdBy: try row.string(1), createdAt: try row.timestamp(2),
        startedAt: try row.optionalTimestamp(3), finishedAt: try row.optionalTimestamp(4), lines: try row.optionalInt(5),
        position: try row.int(6), linked: try row.int(7), errors: try row.optionalString(8))
    }
  }

  private static let importByID = Statement(
    "account import",
    """
    select status, created_by, created_at, started_at, finished_at, lines, position, linked, errors
    from identity_read.account_imports
    where workspace_id = $1 and id = $2
    """)

  /// The conflicts of lines with stored accounts.
  package func conflicts(of lines: [AccountStaging.Line], in workspace: WorkspaceID) async throws -> [Conflict] {
    let kept = lines.filter { $0.account.state != .deleted }
    guard !kept.isEmpty else { return [] }
    return try await database.query(
      Self.conflictingLines,
      [
        .uuid(workspace.uuid), .intArray(kept.map { Int64($0.number) }), .textArray(kept.map(\.account.id)),
        .textArray(kept.map { ComparisonKey($0.account.email).text }), .textArray(kept.map(\.account.externalID)),
      ], in: workspace
    ).map { Conflict(line: try $0.int(0), attribute: try $0.string(1), account: try $0.string(2)) }
  }

  private static let conflictingLines = Statement(
    "conflicts of lines",
    """
    select l.line, 'email', a.account_id
    from unnest($2::int8[], $3::text[], $4::text[]) as l (line, account_id, email_key)
    join identity_read.accounts a on a.workspace_id = $1 and a.email_key = l.email_key
    where a.account_id <> l.account_id
    union all
    select l.line, 'externalId', a.account_id
    from unnest($2::int8[], $3::text[], $5::text[]) as l (line, account_id, external_id)
    join identity_read.accounts a on a.workspace_id = $1 and a.external_id = l.external_id
    where a.account_id <> l.account_id
    order by 1
    """)

  /// What the import of lines would do.
  package func effect(of lines: [AccountStaging.Line], under settings: WorkspaceSettings, in workspace: WorkspaceID) async throws -> Effect
  {
    let accounts = lines.map(\.account).filter { $0.state != .deleted }
    var (keys, ids): ([String], [String]) = ([], [])
    switch settings.accountLinking {
    case .verifiedAddress: keys = accounts.map(\.email).filter(settings.isVerified(address:)).map { ComparisonKey($0).text }
    case .externalID: ids = accounts.flatMap { [$0.id] + ($0.externalID.map { [$0] } ?? []) }
    case .ask, .reject: break
    }
    let row = try await database.query(
      Self.effectOfLines,
      [.uuid(workspace.uuid), .textArray(lines.map(\.account.id)), .textArray(keys), .textArray(Array(Set(ids)))], in: workspace
    ).first
    return Effect(existing: try row?.int(0) ?? 0, linked: try row?.int(1) ?? 0, matching: try row?.int(2) ?? 0)
  }

  // Users whose userName is the address are found by it; see users_by_email.
  private static let effectOfLines = Statement(
    "effect of lines",
    """
    select count(*), count(a.user_id), (
      select count(*)
      from (
        select u.id
        from unnest($3::text[]) as l (email_key)
        join identity_read.users u on u.workspace_id = $1 and u.email_key = l.email_key and u.email_key is distinct from u.user_name_key
        where u.account_id is null
        union
        select u.id
        from unnest($3::text[]) as l (email_key)
        join identity_read.users u on u.workspace_id = $1 and u.user_name_key = l.email_key and u.email_key = l.email_key
        where u.account_id is null
        union
        select u.id
        from unnest($4::text[]) as l (external_id)
        join identity_read.users u on u.workspace_id = $1 and u.external_id = l.external_id
        where u.account_id is null
      ) matching
    )
    from unnest($2::text[]) as l (account_id)
    join identity_read.accounts a on a.workspace_id = $1 and a.account_id = l.account_id
    """)
}
