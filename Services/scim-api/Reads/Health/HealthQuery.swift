import EdgeHTTP
import Foundation
import Models
import Postgres
import ProvisioningLog

/// Reads the request statistics of the provisioning log.
package struct HealthQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The requests of an hour or a day.
  package struct RequestCount: Sendable, Equatable {
    /// The start of the hour, or of the day in UTC.
    package var at: Date
    /// The number of requests.
    package var requests: Int
    /// The number of failures among them.
    package var failures: Int
  }

  /// A sender: a token, and the identity provider recognised from its requests.
  package struct Sender: Sendable, Equatable {
    /// nil if the token is unknown.
    package var token: TokenID?
    /// The name of the token.
    package var name: String?
    /// Whether the token is revoked.
    package var isRevoked = false
    /// The recognised identity provider.
    package var provider: String?
    /// The last logged request.
    package var lastAt: Date?
    /// The last success.
    package var lastSuccessAt: Date?
    /// The last failure.
    package var lastFailureAt: Date?
    /// The logged requests of 30 days.
    package var requestsInMonth = 0
    /// The failures of 30 days.
    package var failuresInMonth = 0
    /// The logged requests of 24 hours.
    package var requestsInDay = 0
    /// The failures of 24 hours.
    package var failuresInDay = 0
    /// The uses of the token in 30 days, including reads.
    package var uses: Int?
    /// The last use of the token, including reads.
    package var lastUsedAt: Date?
  }

  /// The failures with one cause.
  package struct Failures: Sendable, Equatable {
    /// The cause.
    package var cause: Diagnosis.Cause
    /// The number of failures.
    package var count: Int
    package var lastAt: Date
  }

  /// The statistics of a workspace.
  package struct Health: Sendable {
    /// The last 24 hours.
    package var hours: [RequestCount]
    /// The last 30 days.
    package var days: [RequestCount]
    /// The senders of 30 days.
    package var senders: [Sender]
    /// The causes of the failures of 7 days, the most frequent first.
    package var failures: [Failures]
  }

  /// The maximum number of senders.
  package static let maximumSenders = 30
  private static let maximumCauses = 10

  /// The statistics of the last 24 hours, 7 days and 30 days.
  package func health(of workspace: WorkspaceID, at now: Date) async throws -> Health {
    let id = PostgresValue.uuid(workspace.uuid)
    let firstHour = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 3600).rounded(.down) * 3600) - 23 * 3600
    let firstDay = UTCDay.start(of: now) - 29 * 86_400
    async let hours = database.query(Self.hours, [id, .timestamp(firstHour)], in: workspace)
    async let days = database.query(Self.days, [id, .timestamp(firstDay)], in: workspace)
    async let senders = database.query(
      Self.senders, [id, .timestamp(firstDay), .timestamp(firstHour), .int(Int64(Self.maximumSenders))], in: workspace)
    async let uses = database.query(Self.uses, [id, .timestamp(firstDay), .int(Int64(Self.maximumSenders))], in: workspace)
    async let failures = database.query(
      Self.causes, [id, .timestamp(UTCDay.start(of: now) - 6 * 86_400), .int(Int64(Self.maximumCauses))], in: workspace)
    return Health(
      hours: Self.filled(try await hours.map(Self.count), from: firstHour, step: 3600, count: 24),
      days: Self.filled(try await days.map(Self.count), from: firstDay, step: 86_400, count: 30),
      senders: try Self.senders(try await senders, uses: try await uses),
      failures: try await failures.compactMap { row in
        // Causes of later versions have no description.
        guard let cause = Diagnosis.Cause(rawValue: try row.string(0)) else { return nil }
        return Failures(cause: cause, count: try row.int(1), lastAt: try row.timestamp(2))
      })
  }

  /// Adds entries for hours or days without requests.
  package static func filled(_ counts: [RequestCount], from first: Date, step: TimeInterval, count: Int) -> [RequestCount] {
    let known = Dictionary(counts.map { ($0.at, $0) }) { first, _ in first }
    return (0..<count).map { number in
      let at = first + Double(number) * step
      return known[at] ?? RequestCount(at: at, requests: 0, failures: 0)
    }
  }

  private static func count(_ row: Row) throws -> RequestCount {
    RequestCount(at: try row.timestamp(0), requests: try row.int(1), failures: try row.int(2))
  }

  /// The senders of logged requests, followed by those with reads only.
  private static func senders(_ counted: Rows, uses: Rows) throws -> [Sender] {
    var readers: [TokenID: Sender] = [:]
    for row in uses {
      let token = TokenID(try row.uuid(0))
      readers[token] = Sender(
        token: token, name: try row.string(1), isRevoked: try row.bool(2), uses: try row.int(3), lastUsedAt: try row.timestamp(4))
    }
    var senders: [Sender] = []
    for row in counted {
      let token = try row.optionalString(1).map { _ in TokenID(try row.uuid(0)) }
      let provider = try row.string(3)
      let known = token.flatMap { readers[$0] }
      senders.append(
        Sender(
          token: token, name: try row.optionalString(1), isRevoked: try row.optionalBool(2) ?? false,
          provider: provider.isEmpty ? nil : provider, lastAt: try row.timestamp(4), lastSuccessAt: try row.optionalTimestamp(5),
          lastFailureAt: try row.optionalTimestamp(6), requestsInMonth: try row.int(7), failuresInMonth: try row.int(8),
          requestsInDay: try row.int(9), failuresInDay: try row.int(10), uses: known?.uses, lastUsedAt: known?.lastUsedAt))
    }
    let written = Set(senders.compactMap(\.token))
    return senders
      + readers.values.filter { !written.contains($0.token ?? TokenID(bytes: [])) }.sorted {
        ($0.lastUsedAt ?? .distantPast) > ($1.lastUsedAt ?? .distantPast)
      }
  }

  private static let hours = Statement(
    "console_health_hours",
    """
    select hour, sum(requests)::int8, sum(failures)::int8
    from identity_read.provisioning_hours
    where workspace_id = $1
    and hour >= $2
    group by hour
    """)

  private static let days = Statement(
    "console_health_days",
    """
    select date_trunc('day', hour, 'UTC'), sum(requests)::int8, sum(failures)::int8
    from identity_read.provisioning_hours
    where workspace_id = $1
    and hour >= $2
    group by 1
    """)

  private static let senders = Statement(
    "console_health_senders",
    """
    select
      h.token_id, t.name, t.revoked_at is not null, h.identity_provider, h.last_at, h.last_success_at, h.last_failure_at, h.requests,
      h.failures, h.requests_in_day, h.failures_in_day
    from (
      select
        workspace_id, token_id, identity_provider, max(last_at) as last_at, max(last_success_at) as last_success_at,
        max(last_failure_at) as last_failure_at, sum(requests)::int8 as requests, sum(failures)::int8 as failures,
        coalesce(sum(requests) filter (where hour >= $3), 0)::int8 as requests_in_day,
        coalesce(sum(failures) filter (where hour >= $3), 0)::int8 as failures_in_day
      from identity_read.provisioning_hours
      where workspace_id = $1
      and hour >= $2
      group by workspace_id, token_id, identity_provider
      order by max(last_at) desc
      limit $4
    ) h
    left join identity_read.tokens t on t.workspace_id = h.workspace_id and t.id = h.token_id
    order by h.last_at desc
    """)

  /// The uses of tokens with the scope scim, including reads.
  private static let uses = Statement(
    "console_health_uses",
    """
    select t.id, t.name, t.revoked_at is not null, u.uses, u.last_used_at
    from (
      select workspace_id, token_id, sum(uses)::int8 as uses, max(last_used_at) as last_used_at
      from identity_read.token_uses
      where workspace_id = $1
      and day >= ($2::timestamptz at time zone 'UTC')::date
      group by workspace_id, token_id
      order by max(last_used_at) desc
      limit $3
    ) u
    join identity_read.tokens t on t.workspace_id = u.workspace_id and t.id = u.token_id
    where 'scim' = any (t.scopes)
    """)

  private static let causes = Statement(
    "console_health_causes",
    """
    select cause, sum(failures)::int8, max(last_at)
    from identity_read.provisioning_causes
    where workspace_id = $1
    and day >= ($2::timestamptz at time zone 'UTC')::date
    group by cause
    order by 2 desc, 3 desc
    limit $3
    """)
}
