import EdgeHTTP
import Foundation
import Models
import Postgres
import Primitives

/// Reads the lists of members. Every list is bounded and uses an index in the order of the list.
package struct MembersQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of members by state.
  package struct Totals: Sendable, Equatable {
    /// The number of invited members.
    package var invited = 0
    /// The number of active members.
    package var active = 0
    /// The number of disabled members.
    package var disabled = 0

    /// The number of members in a state.
    package subscript(state: UserState) -> Int {
      switch state {
      case .invited: invited
      case .active: active
      case .disabled: disabled
      }
    }

    /// The number of all members.
    package var all: Int { invited + active + disabled }
  }

  /// The order of a list.
  package enum Order: String, Sendable, CaseIterable {
    /// By name.
    case name
    /// Newest first.
    case newest
  }

  /// The number of members by state.
  package func totals(in workspace: WorkspaceID) async throws -> Totals {
    guard let row = try await database.query(MembersStatements.totals, [.uuid(workspace.uuid)], in: workspace).first else {
      return Totals()
    }
    return Totals(invited: try row.int(0), active: try row.int(1), disabled: try row.int(2))
  }

  /// The members in a state after `place`.
  package func members(
    _ state: UserState, by order: Order, after place: CursorPosition?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [MemberSummary] {
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

  /// The members whose name, family name, userName or address starts with `text`, by comparison key.
  package func members(
    beginningWith text: String, in states: [UserState], limit: Int, in workspace: WorkspaceID
  ) async throws -> [MemberSummary] {
    try await read(
      MembersStatements.beginningWith,
      [.uuid(workspace.uuid), .textArray(states.map(\.rawValue)), .text(ComparisonKey(text).text), .int(Int64(limit))], in: workspace)
  }

  /// The members whose userName or address is `text`, by comparison key. Several members may have one address.
  package func members(named text: String, limit: Int, in workspace: WorkspaceID) async throws -> [MemberSummary] {
    try await read(MembersStatements.named, [.uuid(workspace.uuid), .text(ComparisonKey(text).text), .int(Int64(limit))], in: workspace)
  }

  private func read(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> [MemberSummary] {
    try await database.query(statement, parameters, in: workspace).map(MemberSummary.init)
  }

  /// The lowest and the highest id.
  private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  private static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
}

/// A member in a list.
package struct MemberSummary: Sendable, Equatable {
  /// The id.
  package var id: UserID
  /// The names.
  package var name: PersonName
  /// The primary address.
  package var email: String?
  /// The state.
  package var state: UserState
  /// The product role.
  package var role: String
  /// The sort key of the list.
  package var nameKey: String
  /// The names of some groups.
  package var groups: [String]
  /// The number of groups, up to ``maximumGroups``.
  package var groupCount: Int
  /// The newest invitation.
  package var invitation: StoredInvitation?
  /// The first sign-in; nil if there was none.
  package var firstSignedInAt: Date?
  /// The last known sign-in.
  package var lastSignedInAt: Date?

  /// The number up to which groups are counted.
  package static let maximumGroups = 100
}

/// The names of a person.
package struct PersonName: Sendable, Equatable {
  /// The `userName`.
  package var userName: String
  /// The display name.
  package var displayName: String?
  /// The given name.
  package var givenName: String?
  /// The family name.
  package var familyName: String?

  /// The name for display: the display name, or given and family name, or the userName.
  package var text: String {
    if let displayName, !displayName.isEmpty { return displayName }
    let names = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return names.isEmpty ? userName : names.joined(separator: " ")
  }
}

extension MemberSummary {
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
    // The first sign-in is not among the stored ones. Sign-ins before it belong to another person who had the userName.
    let last = try row.optionalTimestamp(12)
    lastSignedInAt = firstSignedInAt.map { max($0, last ?? $0) }
    invitation = try StoredInvitation(row, from: 13)
  }
}
