import Foundation
import Models
import Postgres
import Primitives
import ProvisioningLog

/// Inserts provisioning log entries and updates the request statistics, with one statement per batch. Redelivered entries are ignored.
/// Entries of nonexistent and deleted workspaces (from made-up and former tokens) are skipped.
struct LogWriter: Sendable {
  let pool: PostgresPool
  /// The retention of entries and statistics in days.
  var days = 30

  /// Inserts entries, and counts requests per hour and sender, and failures per day and cause. Redelivered entries, and requests that were
  /// replayed from the console, are not counted.
  static let insert = Statement(
    "insert log entries",
    """
    with
      given as materialized (
        select *
        from unnest(
          $1::uuid[], $2::uuid[], $3::int8[], $4::bool[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::timestamptz[],
          $11::uuid[], $12::text[], $13::bool[], $14::bool[]
        ) as given (
          workspace_id, id, status, failed, resource_type, resource_id, name_key, entry, cause, at, token_id, identity_provider, is_request,
          is_replay
        )
      ),
      written as (
        insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, resource_id, name_key, entry, cause)
        select workspace_id, id, status, failed, resource_type, resource_id, name_key, entry, cause
        from given
        where exists (
          select from identity.workspaces w
          where w.id = given.workspace_id and not coalesce(w.settings -> 'deletion' ? 'finishedAt', false)
        )
        order by workspace_id, id
        on conflict (workspace_id, id) do nothing
        returning workspace_id, id
      ),
      counted as (
        select distinct on (g.workspace_id, g.id) g.workspace_id, g.failed, g.cause, g.at, g.token_id, g.identity_provider, g.is_request
        from given g
        join written w on w.workspace_id = g.workspace_id and w.id = g.id
        where not g.is_replay
        order by g.workspace_id, g.id
      ),
      hours as (
        insert into identity.provisioning_hours as h (
          workspace_id, hour, token_id, identity_provider, requests, failures, last_at, last_success_at, last_failure_at
        )
        select
          workspace_id, date_trunc('hour', at, 'UTC'), token_id, identity_provider, count(*), count(*) filter (where failed), max(at),
          max(at) filter (where not failed), max(at) filter (where failed)
        from counted
        where is_request
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
        on conflict (workspace_id, hour, token_id, identity_provider) do update
        set
          requests = h.requests + excluded.requests,
          failures = h.failures + excluded.failures,
          last_at = greatest(h.last_at, excluded.last_at),
          last_success_at = greatest(h.last_success_at, excluded.last_success_at),
          last_failure_at = greatest(h.last_failure_at, excluded.last_failure_at)
      ),
      causes as (
        insert into identity.provisioning_causes as c (workspace_id, day, cause, failures, last_at)
        select workspace_id, (at at time zone 'UTC')::date, cause, count(*), max(at)
        from counted
        where cause is not null
        group by 1, 2, 3
        order by 1, 2, 3
        on conflict (workspace_id, day, cause) do update
        set failures = c.failures + excluded.failures, last_at = greatest(c.last_at, excluded.last_at)
      ),
      past_hours as (
        delete from identity.provisioning_hours h
        using (select distinct workspace_id from counted) w
        where h.workspace_id = w.workspace_id and h.hour < now() - make_interval(days => $15::int8::int + 1)
      ),
      past_causes as (
        delete from identity.provisioning_causes c
        using (select distinct workspace_id from counted) w
        where c.workspace_id = w.workspace_id and c.day < (now() at time zone 'UTC')::date - $15::int8::int
      )
    select count(*) from written
    """)

  /// Updates entries about unverified senders, which are sent again with a higher count. Older versions are ignored.
  static let update = Statement(
    "update log entries of unverified senders",
    """
    update identity.provisioning_log l
    set entry = given.entry
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int8[]) as given (workspace_id, id, entry, requests)
    where l.workspace_id = given.workspace_id
    and l.id = given.id
    and (l.entry::json -> 'unverifiedSender' ->> 'requests')::int8 < given.requests
    """)

  /// Writes a batch of entries.
  ///
  /// - Throws: `PostgresError`; its SQLSTATE is 23514 if a partition is missing.
  func write(_ entries: [LogEntry]) async throws {
    guard !entries.isEmpty else { return }
    let causes = try await LogCauses(pool: pool).causes(of: entries)
    _ = try await pool.query(
      Self.insert,
      [
        .uuidArray(entries.map(\.workspace.uuid)), .uuidArray(entries.map(\.id.uuid)), .intArray(entries.map { Int64($0.status) }),
        .boolArray(entries.map(\.isFailure)), .textArray(entries.map(\.resourceType?.rawValue)),
        .uuidArray(entries.map(\.resource?.uuid)), .textArray(entries.map { $0.name.map { ComparisonKey($0).text } }),
        .textArray(entries.map { String(decoding: $0.json(), as: UTF8.self) }), .textArray(causes.map { $0?.rawValue }),
        .timestampArray(entries.map(\.at)), .uuidArray(entries.map { $0.token?.uuid ?? Self.unknownToken }),
        .textArray(entries.map { $0.identityProvider ?? "" }),
        .boolArray(entries.map { $0.bulk == nil && $0.unverified == nil }), .boolArray(entries.map { $0.replayOf != nil }),
        .int(Int64(days)),
      ])
    try await updateUnverified(entries)
  }

  private func updateUnverified(_ entries: [LogEntry]) async throws {
    var latest: [LogEntryID: (entry: LogEntry, requests: Int)] = [:]
    for entry in entries {
      // A count of 1 is the first version, which the insert statement handles.
      guard let requests = entry.unverified?.requests, requests > 1, latest[entry.id]?.requests ?? 0 < requests else { continue }
      latest[entry.id] = (entry, requests)
    }
    guard !latest.isEmpty else { return }
    let sorted = latest.values.sorted { ($0.entry.workspace, $0.entry.id) < ($1.entry.workspace, $1.entry.id) }
    _ = try await pool.query(
      Self.update,
      [
        .uuidArray(sorted.map(\.entry.workspace.uuid)), .uuidArray(sorted.map(\.entry.id.uuid)),
        .textArray(sorted.map { String(decoding: $0.entry.json(), as: UTF8.self) }), .intArray(sorted.map { Int64($0.requests) }),
      ])
  }

  /// The id that the statistics use for an unknown token.
  private static let unknownToken = TokenID(bytes: []).uuid
}
