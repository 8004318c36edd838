import Foundation
import Models
import Postgres

// Loads for imported accounts, in workspaces that have any.
extension LoadStatements {
  /// The accounts with these addresses, external ids or account ids, locked after all users and groups.
  static func accounts(emails: Set<NameKey>, ids: Set<NameKey>) -> Load {
    Load(statement: accountStatement, parameters: emails.sorted().columns + ids.sorted().columns) { row, set in
      let state = try row.string(4)
      guard let state = ImportedAccount.State(rawValue: state) else { throw UnknownAccountState(state: state) }
      set.load(
        AccountRecord(
          key: .account(try row.string(1), in: WorkspaceID(try row.uuid(0))), email: try row.string(2),
          externalID: try row.optionalString(3), state: state, user: try row.optionalUUID(5).map { UserID($0) },
          importedAt: try row.timestamp(6)))
    }
  }

  private static let accountStatement = Statement(
    "load accounts",
    """
    select a.workspace_id, a.account_id, a.email, a.external_id, a.state, a.user_id, a.imported_at
    from (
      select workspace_id, a.account_id
      from unnest($1::uuid[], $2::text[]) as touched (workspace_id, email_key)
      join identity.accounts a using (workspace_id, email_key)
      union
      select workspace_id, a.account_id
      from unnest($3::uuid[], $4::text[]) as touched (workspace_id, external_id)
      join identity.accounts a using (workspace_id, external_id)
      union
      select workspace_id, a.account_id
      from unnest($3::uuid[], $4::text[]) as touched (workspace_id, account_id)
      join identity.accounts a using (workspace_id, account_id)
    ) found
    join identity.accounts a using (workspace_id, account_id)
    order by a.workspace_id, a.account_id
    for no key update of a
    """)

  /// The imports that commands stage or start, with the number of staged lines of those that are started.
  static func accountImports(_ imports: [ResourceKey: Bool]) -> Load {
    let imports = imports.sorted { $0.key < $1.key }
    return Load(statement: importStatement, parameters: imports.map(\.key).columns + [.boolArray(imports.map(\.value))]) { row, set in
      let status = try row.string(2)
      guard let status = AccountImportRecord.Status(rawValue: status) else { throw UnknownAccountState(state: status) }
      set.load(
        AccountImportRecord(
          key: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), status: status,
          stagedLines: try row.int(3)))
    }
  }

  private static let importStatement = Statement(
    "load account imports",
    """
    select i.workspace_id, i.id, i.status, case when touched.starts and i.status = 'staging' then (
      select count(*)
      from identity.account_import_lines l
      where l.workspace_id = i.workspace_id and l.import_id = i.id
    ) else 0 end
    from unnest($1::uuid[], $2::uuid[], $3::bool[]) as touched (workspace_id, id, starts)
    join identity.account_imports i using (workspace_id, id)
    """)
}

extension WriteSet {
  /// The addresses and ids by which accounts are looked up, in workspaces that have accounts: those that commands mention, and those of
  /// loaded users who may be enabled.
  func accountKeys(in set: WorkingSet) -> (emails: Set<NameKey>, ids: Set<NameKey>) {
    var (emails, ids): (Set<NameKey>, Set<NameKey>) = ([], [])
    let present = workspaces.intersection(set.workspacesWithAccounts)
    guard !present.isEmpty else { return (emails, ids) }
    emails = self.emails.union(userNames).union(accountEmails).filter { present.contains($0.workspace) }
    ids = accountIDs.filter { present.contains($0.workspace) }
    for user in users where present.contains(user.workspace) {
      guard let record = set.users[user], record.accountID == nil, record.state == .disabled else { continue }
      if let key = record.emailKey { emails.insert(key) }
      if let id = record.externalID { ids.insert(.account(id, in: user.workspace)) }
    }
    return (emails, ids)
  }
}

/// A row of `identity.account_imports`.
struct AccountImportRecord: Sendable, Equatable {
  var key: ResourceKey
  var status: Status
  var stagedLines: Int

  /// The progress of an import.
  enum Status: String, Sendable {
    /// Parts are being stored; or complete, and waiting to be applied.
    case staging, waiting
    case applying
    case done, failed
  }
}

/// The error for a state of an account or import in the database that this build does not know.
struct UnknownAccountState: Error, CustomStringConvertible {
  var state: String
  var description: String { "an account or import has the unknown state '\(state)'; this build is older than the database" }
}
