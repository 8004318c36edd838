import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import Primitives

/// Reads the people that the members page lists: always a bounded number, found by an index whose order is the list's.
struct MembersQuery: Sendable {
  let database: Database

  /// How many people of each state there are, as they are kept.
  struct Totals: Sendable, Equatable {
    var invited = 0
    var active = 0
    var disabled = 0

    subscript(state: UserState) -> Int {
      switch state {
      case .invited: invited
      case .active: active
      case .disabled: disabled
      }
    }

    var all: Int { invited + active + disabled }
  }

  /// What the people of one state are listed by.
  enum Order: String, Sendable, CaseIterable {
    case name
    /// Those first that the identity provider sent last.
    case newest
  }

  func totals(in workspace: WorkspaceID) async throws -> Totals {
    guard let row = try await database.query(MembersStatements.totals, [.uuid(workspace.uuid)], in: workspace).first else {
      return Totals()
    }
    return Totals(invited: try row.int(0), active: try row.int(1), disabled: try row.int(2))
  }

  /// At most `limit` people of a state, in order from behind `place` on.
  func members(
    _ state: UserState, by order: Order, after place: Place?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [ListedMember] {
    switch order {
    case .name:
      try await read(
        MembersStatements.byName,
        [
          .uuid(workspace.uuid), .text(state.rawValue), .text(place?.key ?? ""), .uuid(place?.id.uuid ?? Self.first), .int(Int64(limit)),
        ], in: workspace)
    case .newest:
      try await read(
        MembersStatements.newest,
        [.uuid(workspace.uuid), .text(state.rawValue), .uuid(place?.id.uuid ?? Self.last), .int(Int64(limit))], in: workspace)
    }
  }

  /// At most `limit` people whose name, family name, userName or address begins with `text`, compared by the keys.
  func members(
    beginningWith text: String, in states: [UserState], limit: Int, in workspace: WorkspaceID
  ) async throws -> [ListedMember] {
    try await read(
      MembersStatements.beginningWith,
      [.uuid(workspace.uuid), .textArray(states.map(\.rawValue)), .text(ComparisonKey(text).text), .int(Int64(limit))], in: workspace)
  }

  private func read(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> [ListedMember] {
    try await database.query(statement, parameters, in: workspace).map(ListedMember.init)
  }

  /// Bounds that no id lies beyond.
  private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  private static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
}

/// A person as the list shows them.
struct ListedMember: Sendable, Equatable {
  var id: UserID
  var name: PersonName
  var email: String?
  var state: UserState
  var role: String
  /// What the list is ordered by.
  var nameKey: String
  /// Of some of the groups.
  var groups: [String]
  /// How many groups they are in, up to ``maximumGroups``.
  var groupCount: Int
  /// The latest.
  var invitation: StoredInvitation?
  var firstSignedInAt: Date?
  var lastSignedInAt: Date?

  /// Beyond as many, groups are not counted.
  static let maximumGroups = 100
}

/// What is known of how a person is called.
struct PersonName: Sendable, Equatable {
  var userName: String
  var displayName: String?
  var givenName: String?
  var familyName: String?

  /// What a page calls them.
  var shown: String {
    if let displayName, !displayName.isEmpty { return displayName }
    let parts = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return parts.isEmpty ? userName : parts.joined(separator: " ")
  }
}

/// An invitation as invitation-mailer has it.
struct StoredInvitation: Sendable, Equatable {
  var id: InvitationID
  var state: InvitationState
  var reason: String
  var createdAt: Date
  var changedAt: Date
  var sentAt: Date?
  var nextAttemptAt: Date?
  var expiresAt: Date?
  /// 0 the invitation itself, from 1 on its reminders.
  var letter: Int
  var attempts: Int
  /// What the mail server said last.
  var answer: String?
  /// It goes to an administrator, with others.
  var isDigest: Bool

  /// - Parameter column: the first of ``columns``.
  init?(_ row: Row, from column: Int) throws {
    guard let id = try row.optionalUUID(column) else { return nil }
    self.id = InvitationID(id)
    // A state of a later build is shown as one that is under way.
    state = InvitationState(rawValue: try row.string(column + 1)) ?? .sending
    reason = try row.string(column + 2)
    createdAt = try row.timestamp(column + 3)
    changedAt = try row.timestamp(column + 4)
    sentAt = try row.optionalTimestamp(column + 5)
    nextAttemptAt = try row.optionalTimestamp(column + 6)
    expiresAt = try row.optionalTimestamp(column + 7)
    letter = try row.int(column + 8)
    attempts = try row.int(column + 9)
    answer = try row.optionalString(column + 10)
    isDigest = try row.bool(column + 11)
  }

  init(
    id: InvitationID, state: InvitationState, reason: String = "", createdAt: Date, changedAt: Date, sentAt: Date? = nil,
    nextAttemptAt: Date? = nil, expiresAt: Date? = nil, letter: Int = 0, attempts: Int = 0, answer: String? = nil, isDigest: Bool = false
  ) {
    self.id = id
    self.state = state
    self.reason = reason
    self.createdAt = createdAt
    self.changedAt = changedAt
    self.sentAt = sentAt
    self.nextAttemptAt = nextAttemptAt
    self.expiresAt = expiresAt
    self.letter = letter
    self.attempts = attempts
    self.answer = answer
    self.isDigest = isDigest
  }

  static let columns = """
    i.id, i.state, i.reason, i.created_at, i.changed_at, i.sent_at, i.next_attempt_at, i.expires_at, i.letter, i.attempts, i.answer,
    i.is_digest
    """
}

extension ListedMember {
  fileprivate init(_ row: Row) throws {
    id = UserID(try row.uuid(0))
    name = PersonName(
      userName: try row.string(1), displayName: try row.optionalString(2), givenName: try row.optionalString(3),
      familyName: try row.optionalString(4))
    email = try row.optionalString(5)
    state = UserState(rawValue: try row.string(6)) ?? .disabled
    role = try row.string(7)
    nameKey = try row.string(8)
    groups = try row.textArray(9)
    groupCount = try row.int(10)
    firstSignedInAt = try row.optionalTimestamp(11)
    // The first is not among those that are remembered, since it asked for the promotion.
    // What came before the first sign-in was somebody else's who had the userName.
    let last = try row.optionalTimestamp(12)
    lastSignedInAt = firstSignedInAt.map { max($0, last ?? $0) }
    invitation = try StoredInvitation(row, from: 13)
  }
}

/// The workspace always comes first.
enum MembersStatements {
  static let totals = Statement(
    "console state totals",
    """
    select invited, active, disabled
    from identity_read.state_totals
    where workspace_id = $1
    """)

  static let byName = Statement(
    "console members by name",
    """
    with people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and state = $2
      and (name_key, id) > ($3, $4::uuid)
      order by name_key, id
      limit $5::int8
    )\(told)
    order by p.name_key, p.id
    """)

  static let newest = Statement(
    "console members by age",
    """
    with people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and state = $2
      and id < $3
      order by id desc
      limit $4::int8
    )\(told)
    order by p.id desc
    """)

  /// Each index is read from where the beginning stands, for each state, and no further than the limit. Names that begin with U+10FFFF,
  /// which is no character, are not found.
  static let beginningWith = Statement(
    "console members beginning with",
    """
    with found as materialized (
      select distinct f.id
      from unnest($2::text[]) as s (state)
      cross join lateral (
        \(beginning("name_key"))
        union all
        \(beginning("family_name_key"))
        union all
        \(beginning("user_name_key collate \"C\""))
        union all
        \(beginning("email_key collate \"C\"", and: "email_key is distinct from user_name_key"))
      ) f
    ), people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and id = any (array(select id from found))
      order by name_key, id
      limit $4::int8
    )\(told)
    order by p.name_key, p.id
    """)

  private static func beginning(_ key: String, and condition: String? = nil) -> String {
    """
    (
      select id
      from identity_read.users
      where workspace_id = $1
      and state = s.state
      and \(key) >= $3::text
      and \(key) < $3::text || U&'\\+10FFFF'\(condition.map { "\nand \($0)" } ?? "")
      order by \(key)
      limit $4::int8
    )
    """
  }

  private static let columns = """
    id, user_name, display_name, given_name, family_name, email, state, role, name_key, first_signed_in_at, user_name_key, email_key
    """

  /// What is told of `people`. The keys of sign-ins are made first: a policy lets no function of theirs be looked up by.
  private static let told = """
    , keys as materialized (
      select p.id, k.key
      from people p
      cross join lateral (
        values
          (mailer_read.sign_in_key($1, p.id::text)), (mailer_read.sign_in_key($1, p.user_name_key)),
          (mailer_read.sign_in_key($1, p.email_key)),
          -- What is remembered from before there were comparison keys.
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.user_name), p.user_name_key))),
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.email), p.email_key)))
      ) k (key)
      where k.key is not null
    ), seen as materialized (
      select k.id, max(s.signed_in_at) as at
      from keys k
      -- The limit keeps the planner from reading the sign-ins of everybody to join them.
      cross join lateral (
        select signed_in_at
        from mailer_read.sign_ins
        where workspace_id = $1
        and key = k.key
        limit 1
      ) s
      group by k.id
    )
    select
      p.id, p.user_name, p.display_name, p.given_name, p.family_name, p.email, p.state, p.role, p.name_key,
      coalesce(
        (
          select array_agg(g.display_name order by m.group_id)
          from (
            select group_id
            from identity_read.memberships
            where workspace_id = $1
            and user_id = p.id
            order by group_id
            limit 3
          ) m
          join identity_read.groups g on g.workspace_id = $1 and g.id = m.group_id
        ), '{}'),
      (
        select count(*)
        from (select from identity_read.memberships where workspace_id = $1 and user_id = p.id limit \(ListedMember.maximumGroups)) counted
      ),
      p.first_signed_in_at, seen.at, \(StoredInvitation.columns)
    from people p
    left join seen on seen.id = p.id
    left join lateral (
      select *
      from mailer_read.invitations
      where workspace_id = $1
      and user_id = p.id
      order by created_at desc
      limit 1
    ) i on true
    """
}
