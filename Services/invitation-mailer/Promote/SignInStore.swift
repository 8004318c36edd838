import Foundation
import Models
import Postgres

/// Separates sign-ins that may need a promotion from those of users who are known to be active.
struct SignInStore: Sendable {
  let pool: PostgresPool

  /// How long skipped sign-ins are stored, in days.
  static let retentionDays = 400.0

  /// The sign-ins for which a promotion has to be sent. The latest of each other user is stored: the known state may be outdated, and then the
  /// promotion is sent when the newer event arrives.
  func toPromote(_ signIns: [ReceivedSignIn]) async throws -> [ReceivedSignIn] {
    guard !signIns.isEmpty else { return [] }
    let keys = Set(signIns.flatMap(\.emailKeys)).sorted()
    let users = Set(signIns.compactMap(\.userKey)).sorted()
    var active: Set<WorkspaceSignInKey> = []
    var others: Set<WorkspaceSignInKey> = []
    var activeUsers: Set<UserKey> = []
    let known = try await pool.query(
      SignInStatements.states, [.uuidArray(keys.map(\.workspace.uuid)), .bytesArray(keys.map(\.key.bytes))] + users.columns)
    for row in known {
      let workspace = WorkspaceID(try row.uuid(0))
      if let user = try row.optionalUUID(2) {
        activeUsers.insert(UserKey(workspace: workspace, id: UserID(user)))
      } else {
        let key = WorkspaceSignInKey(workspace, SignInKey(bytes: try row.bytes(1)))
        if try row.bool(3) { active.insert(key) } else { others.insert(key) }
      }
    }
    // If an address has two keys, the users of both have to be active.
    for keys in signIns.map(\.emailKeys) where !others.isDisjoint(with: keys) { active.subtract(keys) }
    let (unpromoted, skipped) = Self.divide(signIns, active: active, activeUsers: activeUsers)
    if !skipped.isEmpty {
      let latest = skipped.sorted { $0.key < $1.key }
      _ = try await pool.query(
        SignInStatements.insertSkipped,
        [.uuidArray(latest.map(\.key.workspace.uuid)), .bytesArray(latest.map(\.key.key.bytes)), .timestampArray(latest.map(\.value))])
    }
    return unpromoted
  }

  /// Divides sign-ins by whether the user is active. Users are identified by id if the event names one, otherwise by address. Pure.
  static func divide(
    _ signIns: [ReceivedSignIn], active: Set<WorkspaceSignInKey>, activeUsers: Set<UserKey>
  ) -> (unpromoted: [ReceivedSignIn], skipped: [WorkspaceSignInKey: Date]) {
    var unpromoted: [ReceivedSignIn] = []
    var skipped: [WorkspaceSignInKey: Date] = [:]
    func skip(_ key: WorkspaceSignInKey, _ signIn: ReceivedSignIn) {
      skipped[key] = max(skipped[key] ?? .distantPast, signIn.signIn.signedInAt)
    }
    for signIn in signIns {
      if let user = signIn.userKey {
        if activeUsers.contains(user) { skip(WorkspaceSignInKey(user), signIn) } else { unpromoted.append(signIn) }
      } else if let key = signIn.emailKeys.first(where: active.contains) {
        skip(key, signIn)
      } else {
        unpromoted.append(signIn)
      }
    }
    return (unpromoted, skipped)
  }
}

enum SignInStatements {
  /// Whether all users with a key are active, and which users are. Nothing is locked: a change that is not visible yet arrives as an event, which
  /// considers the skipped sign-ins.
  static let states = Statement(
    "states of sign-ins",
    """
    select wanted.workspace_id, wanted.key, null::uuid, coalesce(bool_and(u.state = 'active'), false)
    from unnest($1::uuid[], $2::bytea[]) as wanted (workspace_id, key)
    cross join lateral (
      select state from mailer.users n where n.workspace_id = wanted.workspace_id and n.name_key = wanted.key
      union all
      select state from mailer.users e where e.workspace_id = wanted.workspace_id and e.email_key = wanted.key
    ) u
    group by wanted.workspace_id, wanted.key
    union all
    select u.workspace_id, null, u.user_id, true
    from unnest($3::uuid[], $4::uuid[]) as wanted (workspace_id, user_id)
    join mailer.users u on u.workspace_id = wanted.workspace_id and u.user_id = wanted.user_id
    where u.state = 'active'
    """)

  static let insertSkipped = Statement(
    "insert skipped sign-ins",
    """
    insert into mailer.skipped_sign_ins as s (workspace_id, key, signed_in_at)
    select *
    from unnest($1::uuid[], $2::bytea[], $3::timestamptz[])
    on conflict (workspace_id, key) do update
    set signed_in_at = excluded.signed_in_at
    where s.signed_in_at < excluded.signed_in_at
    """)

  /// Deletes the stored sign-ins of deleted users. Later ones are kept, since they may belong to the next owner of the address.
  static let deleteForDeletedUsers = Statement(
    "delete sign-ins of deleted users",
    """
    delete from mailer.skipped_sign_ins s
    using (
      select g.workspace_id, k.key, g.gone_at
      from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::timestamptz[]) as g (workspace_id, user_id, id_key, gone_at)
      left join mailer.users u on u.workspace_id = g.workspace_id and u.user_id = g.user_id
      cross join lateral (values (u.name_key), (u.email_key), (g.id_key)) k (key)
      where k.key is not null
    ) gone
    where s.workspace_id = gone.workspace_id
    and s.key = gone.key
    and s.signed_in_at <= gone.gone_at
    """)

  /// Deletes stored sign-ins after their retention, which is far longer than the known state can be outdated.
  static let deleteExpired = Statement(
    "delete expired sign-ins",
    """
    delete from mailer.skipped_sign_ins
    where signed_in_at < $1
    """)
}
