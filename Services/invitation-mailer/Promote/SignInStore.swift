import Foundation
import Models
import Postgres

/// Tells the sign-ins that ask for a promotion from those of people who are known to be active.
struct SignInStore: Sendable {
  let pool: PostgresPool

  /// For how many days it is remembered when somebody last signed in.
  static let memory = 400.0

  /// Those of `signIns` that identity-store has to hear of. The others are remembered, by the latest of each: what is known may be out of
  /// date, and then they are made up for when the news comes.
  func toPromote(_ signIns: [ReceivedSignIn]) async throws -> [ReceivedSignIn] {
    guard !signIns.isEmpty else { return [] }
    let keys = Set(signIns.flatMap(\.emailKeys)).sorted()
    let users = Set(signIns.compactMap(\.userKey)).sorted()
    return try await pool.transaction { transaction in
      let answers = try await transaction.pipeline([
        (SignInStatements.statesByKey, [.uuidArray(keys.map(\.workspace.uuid)), .bytesArray(keys.map(\.key.bytes))]),
        (SignInStatements.statesByID, [.uuidArray(users.map(\.workspace.uuid)), .uuidArray(users.map(\.id.uuid))]),
      ])
      guard answers.count == 2 else { return signIns }
      var active: Set<WorkspaceSignInKey> = []
      var others: Set<WorkspaceSignInKey> = []
      for row in answers[0] {
        let key = WorkspaceSignInKey(WorkspaceID(try row.uuid(0)), SignInKey(bytes: try row.bytes(1)))
        if try row.bool(2) { active.insert(key) } else { others.insert(key) }
      }
      // Of what is known by two keys, those of both have to be active.
      for keys in signIns.map(\.emailKeys) where !others.isDisjoint(with: keys) { active.subtract(keys) }
      var activeUsers: Set<UserKey> = []
      for row in answers[1] { activeUsers.insert(UserKey(workspace: WorkspaceID(try row.uuid(0)), id: UserID(try row.uuid(1)))) }
      let (asking, skipped) = Self.divide(signIns, active: active, activeUsers: activeUsers)
      if !skipped.isEmpty {
        let latest = skipped.sorted { $0.key < $1.key }
        _ = try await transaction.pipeline(
          [
            (
              SignInStatements.rememberSkipped,
              [
                .uuidArray(latest.map(\.key.workspace.uuid)), .bytesArray(latest.map(\.key.key.bytes)),
                .timestampArray(latest.map(\.value)),
              ]
            )
          ], commit: true)
      }
      return asking
    }
  }

  /// Pure: who is named by id is known by that, everybody else by what they signed in with.
  static func divide(
    _ signIns: [ReceivedSignIn], active: Set<WorkspaceSignInKey>, activeUsers: Set<UserKey>
  ) -> (asking: [ReceivedSignIn], skipped: [WorkspaceSignInKey: Date]) {
    var asking: [ReceivedSignIn] = []
    var skipped: [WorkspaceSignInKey: Date] = [:]
    func skip(_ key: WorkspaceSignInKey, _ signIn: ReceivedSignIn) {
      skipped[key] = max(skipped[key] ?? .distantPast, signIn.signIn.signedInAt)
    }
    for signIn in signIns {
      if let user = signIn.userKey {
        if activeUsers.contains(user) { skip(WorkspaceSignInKey(user), signIn) } else { asking.append(signIn) }
      } else if let key = signIn.emailKeys.first(where: active.contains) {
        skip(key, signIn)
      } else {
        asking.append(signIn)
      }
    }
    return (asking, skipped)
  }
}

enum SignInStatements {
  /// Whether all of those who may sign in with a key are active.
  static let statesByKey = Statement(
    "states by key",
    """
    select wanted.workspace_id, wanted.key, coalesce(bool_and(u.state = 'active'), false)
    from unnest($1::uuid[], $2::bytea[]) as wanted (workspace_id, key)
    cross join lateral (
      select state from mailer.users n where n.workspace_id = wanted.workspace_id and n.name_key = wanted.key
      union all
      select state from mailer.users e where e.workspace_id = wanted.workspace_id and e.email_key = wanted.key
    ) u
    group by wanted.workspace_id, wanted.key
    """)

  static let statesByID = Statement(
    "states by id",
    """
    select u.workspace_id, u.user_id
    from unnest($1::uuid[], $2::uuid[]) as wanted (workspace_id, user_id)
    join mailer.users u on u.workspace_id = wanted.workspace_id and u.user_id = wanted.user_id
    where u.state = 'active'
    """)

  static let rememberSkipped = Statement(
    "remember skipped sign-ins",
    """
    insert into mailer.skipped_sign_ins as s (workspace_id, key, signed_in_at)
    select *
    from unnest($1::uuid[], $2::bytea[], $3::timestamptz[])
    on conflict (workspace_id, key) do update
    set signed_in_at = excluded.signed_in_at
    where s.signed_in_at < excluded.signed_in_at
    """)

  /// What deleted people came with; not what came since, which may be of somebody who has the address now, and is to be made up for.
  static let forgetDeparted = Statement(
    "forget sign-ins of the departed",
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

  /// What is older than it is told for, and far older than what is known can be out of date.
  static let forgetSkipped = Statement(
    "forget skipped sign-ins",
    """
    delete from mailer.skipped_sign_ins
    where signed_in_at < $1
    """)
}
