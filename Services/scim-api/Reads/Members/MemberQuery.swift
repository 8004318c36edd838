import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIMStorage

/// Reads one member with groups, invitations and receipts. Each list is bounded.
package struct MemberQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The maximum numbers of groups, invitations and receipts on a page.
  package static let maximumGroups = 200
  /// The maximum number of invitations.
  package static let maximumInvitations = 20
  /// The maximum number of receipts.
  package static let maximumReceipts = 20

  /// A member; nil if it does not exist.
  package func member(_ id: UserID, in workspace: WorkspaceID) async throws -> StoredMember? {
    try await read(MemberStatements.member, id, in: workspace).first.map { row in
      StoredMember(
        id: id,
        name: PersonName(
          userName: try row.string(0), displayName: try row.optionalString(1), givenName: try row.optionalString(2),
          familyName: try row.optionalString(3)),
        externalID: try row.optionalString(4), email: try row.optionalString(5), language: try row.optionalString(6),
        state: UserState(rawValue: try row.string(7)) ?? .disabled, role: try row.string(8),
        firstSignedInAt: try row.optionalTimestamp(9), lastSignedInAt: try row.optionalTimestamp(10),
        createdAt: try row.timestamp(11),
        resource: StoredResource(
          id: id.resource, version: Int64(try row.int(13)), modifiedAt: try row.timestamp(12), document: try row.bytes(14)),
        accountID: try row.optionalString(15))
    }
  }

  /// The groups of a member with the membership status in the product. Reads one more than ``maximumGroups``, to tell whether there are more.
  package func groups(of id: UserID, in workspace: WorkspaceID) async throws -> [GroupMembership] {
    try await read(MemberStatements.groups, id, [.int(Int64(Self.maximumGroups) + 1)], in: workspace).map { row in
      GroupMembership(
        group: GroupID(try row.uuid(0)), name: try row.string(1),
        status: try row.optionalString(2).flatMap(MembershipStatus.init(rawValue:)),
        waitsFor: try row.optionalString(3))
    }
  }

  /// The invitations of a member, newest first.
  package func invitations(of id: UserID, in workspace: WorkspaceID) async throws -> [StoredInvitation] {
    try await read(MemberStatements.invitations, id, [.int(Int64(Self.maximumInvitations))], in: workspace).compactMap { row in
      try StoredInvitation(row, from: 0)
    }
  }

  /// The deprovisioning receipts of a member, newest first.
  package func receipts(of id: UserID, before time: Date, limit: Int, in workspace: WorkspaceID) async throws -> [DeprovisionReceipt] {
    try await read(MemberStatements.receipts, id, [.timestamp(time), .int(Int64(limit))], in: workspace).map { row in
      try JSONData.decode(from: row.bytes(0), type: "receipt")
    }
  }

  /// The tombstone of a deleted member; nil if there is none.
  package func tombstone(of id: UserID, in workspace: WorkspaceID) async throws -> DeletedResource? {
    try await DatabaseReads(database: database).remains(of: .user, id.resource, in: workspace)
  }

  private func read(
    _ statement: Statement, _ id: UserID, _ parameters: [PostgresValue] = [], in workspace: WorkspaceID
  ) async throws -> Rows {
    try await database.query(statement, [.uuid(workspace.uuid), .uuid(id.uuid)] + parameters, in: workspace)
  }
}

/// A member as stored by identity-store, with the last sign-in.
package struct StoredMember: Sendable, Equatable {
  /// The id.
  package var id: UserID
  /// The names.
  package var name: PersonName
  /// The identity provider's id.
  package var externalID: String?
  /// The primary address.
  package var email: String?
  /// The preferred language.
  package var language: String?
  /// The state.
  package var state: UserState
  /// The product role.
  package var role: String
  /// The first sign-in; nil if there was none.
  package var firstSignedInAt: Date?
  /// The last sign-in after the first that is still stored.
  package var lastSignedInAt: Date?
  /// When the member was created.
  package var createdAt: Date
  /// The SCIM resource.
  package var resource: StoredResource
  /// The product's id of the imported account that the member is linked to.
  package var accountID: String? = nil
}

/// A group of a member.
package struct GroupMembership: Sendable, Equatable {
  /// The id of the group.
  package var group: GroupID
  /// The display name of the group.
  package var name: String
  /// nil if the product's directory does not have the membership yet.
  package var status: MembershipStatus?
  /// What the membership waits for, if the product does not show it.
  package var waitsFor: String?
}

/// SQL statements about one member. The first parameters are the workspace and the member.
enum MemberStatements {
  static let member = Statement(
    "console member",
    """
    with person as materialized (
      select *
      from identity_read.users
      where workspace_id = $1
      and id = $2
    ), keys as materialized (
      select k.key
      from person p
      cross join lateral (
        values
          (mailer_read.sign_in_key($1, p.id::text)), (mailer_read.sign_in_key($1, p.user_name_key)),
          (mailer_read.sign_in_key($1, p.email_key)),
          -- Sign-ins stored before comparison keys were introduced.
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.user_name), p.user_name_key))),
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.email), p.email_key)))
      ) k (key)
      where k.key is not null
    )
    select
      user_name, display_name, given_name, family_name, external_id, email, language, state, role, first_signed_in_at,
      (
        select max(s.signed_in_at)
        from keys k
        cross join lateral (select signed_in_at from mailer_read.sign_ins where workspace_id = $1 and key = k.key limit 1) s
      ),
      created_at, modified_at, version, document,
      account_id
    from person
    """)

  static let groups = Statement(
    "console groups of member",
    """
    select g.id, g.display_name, d.status, d.waits_for
    from (
      select group_id
      from identity_read.memberships
      where workspace_id = $1
      and user_id = $2
      order by group_id
      limit $3::int8
    ) m
    join identity_read.groups g on g.workspace_id = $1 and g.id = m.group_id
    left join lateral (
      select status, waits_for
      from directory_read.group_members
      where workspace_id = $1
      and group_id = m.group_id
      and member_id = $2
      limit 1
    ) d on true
    order by g.display_name_key collate "C"
    """)

  static let invitations = Statement(
    "console invitations of member",
    """
    select \(StoredInvitation.columns)
    from mailer_read.invitations i
    where i.workspace_id = $1
    and i.user_id = $2
    order by i.created_at desc, i.id
    limit $3::int8
    """)

  static let receipts = Statement(
    "console receipts of member",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and member_id = $2
    and revoked_at < $3
    order by revoked_at desc
    limit $4::int8
    """)
}
