import Foundation
import Models
import Postgres
import Primitives

extension ChangeWriter {
  /// The statements for imported accounts and for imports.
  func accountSteps(for state: WorkingSet, at now: Date) -> [(Statement, [PostgresValue])] {
    let changes = state.changes
    var steps: [(Statement, [PostgresValue])] = []
    let unlinked = changes.unlinkedAccounts.sorted { $0.key < $1.key }
    if !unlinked.isEmpty {
      steps.append((Self.unlinkAccounts, unlinked.map(\.key).columns + [.uuidArray(unlinked.map(\.value.uuid))]))
    }
    // Delete first: another account may take over the address.
    if !changes.deletedAccounts.isEmpty { steps.append((Self.deleteAccounts, changes.deletedAccounts.sorted().columns)) }
    let written = changes.writtenAccounts.sorted().compactMap { state.accounts[$0] }
    if !written.isEmpty { steps.append((Self.writeAccounts, columns(written))) }
    return steps + importSteps(changes, at: now)
  }

  private func columns(_ accounts: [AccountRecord]) -> [PostgresValue] {
    let values: [PostgresValue] = [
      .textArray(accounts.map(\.email)),
      .textArray(accounts.map(\.emailKey.name)),
      .textArray(accounts.map(\.externalID)),
      .textArray(accounts.map(\.state.rawValue)),
      .uuidArray(accounts.map { $0.user?.uuid }),
      .timestampArray(accounts.map(\.importedAt)),
    ]
    return accounts.map(\.key).columns + values
  }

  private func importSteps(_ changes: WorkingSet.Changes, at now: Date) -> [(Statement, [PostgresValue])] {
    var steps: [(Statement, [PostgresValue])] = []
    for (key, part) in changes.stagedParts.sorted(by: { $0.key < $1.key }) {
      steps.append((Self.stageImport, [.uuid(key.workspace.uuid), .uuid(key.id.uuid), .text(part.actor), .timestamp(now)]))
      steps.append((Self.stageLines, [.uuid(key.workspace.uuid), .uuid(key.id.uuid)] + columns(part.lines)))
    }
    let started = changes.startedImports.sorted { $0.key < $1.key }
    if !started.isEmpty {
      steps.append(
        (Self.startImports, started.map(\.key).columns + [.intArray(started.map { Int64($0.value) }), .timestamp(now)]))
    }
    let progress = changes.importProgress.sorted { $0.key < $1.key }
    if !progress.isEmpty {
      let counts: [PostgresValue] = [
        .intArray(progress.map { Int64($0.value.line) }), .intArray(progress.map { Int64($0.value.linked) }),
      ]
      steps.append((Self.advanceImports, progress.map(\.key).columns + counts))
    }
    return steps
  }

  private func columns(_ lines: [AccountStaging.Line]) -> [PostgresValue] {
    let accounts = lines.map(\.account)
    return [
      .intArray(lines.map { Int64($0.number) }), .textArray(accounts.map(\.id)), .textArray(accounts.map(\.email)),
      .textArray(accounts.map { ComparisonKey($0.email).text }), .textArray(accounts.map(\.externalID)),
      .textArray(accounts.map(\.state.rawValue)),
    ]
  }

  private static let writeAccounts = Statement(
    "write accounts",
    """
    insert into identity.accounts (workspace_id, account_id, email, email_key, external_id, state, user_id, imported_at)
    select workspace_id, account_id, email, email_key, external_id, state, user_id, imported_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[])
      as written (workspace_id, account_id, email, email_key, external_id, state, user_id, imported_at)
    on conflict (workspace_id, account_id) do update
    set
      email = excluded.email,
      email_key = excluded.email_key,
      external_id = excluded.external_id,
      state = excluded.state,
      user_id = excluded.user_id,
      imported_at = excluded.imported_at
    """)

  private static let deleteAccounts = Statement(
    "delete accounts",
    """
    delete from identity.accounts a
    using unnest($1::uuid[], $2::text[]) as gone (workspace_id, account_id)
    where a.workspace_id = gone.workspace_id and a.account_id = gone.account_id
    """)

  private static let unlinkAccounts = Statement(
    "unlink accounts",
    """
    update identity.accounts a
    set user_id = null
    from unnest($1::uuid[], $2::text[], $3::uuid[]) as gone (workspace_id, account_id, user_id)
    where a.workspace_id = gone.workspace_id and a.account_id = gone.account_id and a.user_id = gone.user_id
    """)

  private static let stageImport = Statement(
    "stage account import",
    """
    insert into identity.account_imports (workspace_id, id, status, created_by, created_at)
    values ($1, $2, 'staging', $3, $4)
    on conflict (workspace_id, id) do nothing
    """)

  private static let stageLines = Statement(
    "stage lines of accounts",
    """
    insert into identity.account_import_lines (workspace_id, import_id, line, account_id, email, email_key, external_id, state)
    select $1, $2, line, account_id, email, email_key, external_id, state
    from unnest($3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
      as staged (line, account_id, email, email_key, external_id, state)
    on conflict (workspace_id, import_id, line) do nothing
    """)

  private static let startImports = Statement(
    "start account imports",
    """
    update identity.account_imports i
    set status = 'waiting', started_at = $4, lines = started.lines
    from unnest($1::uuid[], $2::uuid[], $3::int8[]) as started (workspace_id, id, lines)
    where i.workspace_id = started.workspace_id and i.id = started.id and i.status = 'staging'
    """)

  // From the first chunk on, batches look for accounts of the workspace.
  private static let advanceImports = Statement(
    "advance account imports",
    """
    with advanced as (
      select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[]) as advanced (workspace_id, id, line, linked)
    ), marked as (
      update identity.workspaces w
      set has_accounts = true
      from advanced
      where w.id = advanced.workspace_id and not w.has_accounts
    )
    update identity.account_imports i
    set position = greatest(i.position, advanced.line), linked = i.linked + advanced.linked
    from advanced
    where i.workspace_id = advanced.workspace_id and i.id = advanced.id
    """)
}

extension ChangeWriter {
  /// The statements for verified mail domains.
  func mailDomainSteps(for state: WorkingSet) -> [(Statement, [PostgresValue])] {
    let workspaces = state.changes.changedMailDomains.sorted()
    guard !workspaces.isEmpty else { return [] }
    let domains = workspaces.flatMap { workspace in
      (state.workspaces[workspace]?.settings.verifiedDomains ?? []).map { NameKey(workspace: workspace, name: $0) }
    }
    return [
      (Self.deleteMailDomains, [.uuidArray(workspaces.map(\.uuid))] + domains.columns), (Self.insertMailDomains, domains.columns),
    ]
  }

  /// Runs before ``insertMailDomains``, since another workspace of the batch may take over a domain.
  private static let deleteMailDomains = Statement(
    "delete mail domains",
    """
    delete from identity.mail_domains d
    where d.workspace_id = any ($1)
    and not exists (
      select from unnest($2::uuid[], $3::text[]) as kept (workspace_id, domain)
      where kept.workspace_id = d.workspace_id and kept.domain = d.domain
    )
    """)

  private static let insertMailDomains = Statement(
    "insert mail domains",
    """
    insert into identity.mail_domains (workspace_id, domain)
    select wanted.workspace_id, wanted.domain
    from unnest($1::uuid[], $2::text[]) as wanted (workspace_id, domain)
    where not exists (
      select from identity.mail_domains d
      where d.domain = wanted.domain and d.workspace_id = wanted.workspace_id
    )
    """)
}
