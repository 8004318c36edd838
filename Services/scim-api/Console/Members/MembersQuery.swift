import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import Primitives

/// Reads the lists of members. Every list is bounded and uses an index in the order of the list.
struct MembersQuery: Sendable {
  let database: Database

  /// The number of members by state.
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

    /// The number of all members.
    var all: Int { invited + active + disabled }
  }

  /// The order of a list.
  enum Order: String, Sendable, CaseIterable {
    case name
    /// Newest first.
    case newest
  }

  /// The number of members by state.
  func totals(in workspace: WorkspaceID) async throws -> Totals {
    guard let row = try await database.query(MembersStatements.totals, [.uuid(workspace.uuid)], in: workspace).first else {
      return Totals()
    }
    return Totals(invited: try row.int(0), active: try row.int(1), disabled: try row.int(2))
  }

  /// The members in a state after `place`.
  func members(
    _ state: UserState, by order: Order, after place: CursorPosition?, limit: Int, in workspace: WorkspaceID
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

  /// The members whose name, family name, userName or address starts with `text`, by comparison key.
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

  /// The lowest and the highest id.
  private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  private static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
}

/// A member in a list.
struct ListedMember: Sendable, Equatable {
  var id: UserID
  var name: PersonName
  var email: String?
  var state: UserState
  var role: String
  /// The sort key of the list.
  var nameKey: String
  /// The names of some groups.
  var groups: [String]
  /// The number of groups, up to ``maximumGroups``.
  var groupCount: Int
  /// The newest invitation.
  var invitation: StoredInvitation?
  var firstSignedInAt: Date?
  var lastSignedInAt: Date?

  /// The number up to which groups are counted.
  static let maximumGroups = 100
}

/// The names of a person.
struct PersonName: Sendable, Equatable {
  var userName: String
  var displayName: String?
  var givenName: String?
  var familyName: String?

  /// The name for display: the display name, or given and family name, or the userName.
  var text: String {
    if let displayName, !displayName.isEmpty { return displayName }
    let names = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return names.isEmpty ? userName : names.joined(separator: " ")
  }
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
    // The first sign-in is not among the stored ones. Sign-ins before it belong to another person who had the userName.
    let last = try row.optionalTimestamp(12)
    lastSignedInAt = firstSignedInAt.map { max($0, last ?? $0) }
    invitation = try StoredInvitation(row, from: 13)
  }
}
