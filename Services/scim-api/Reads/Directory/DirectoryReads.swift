import EdgeHTTP
import Models

/// The reads of the product's directory.
///
/// Lists are ordered by id and continue after `after`, so rows that are added or removed between two pages do not shift them.
package protocol DirectoryReads: Sendable {
  /// The groups of a workspace, at most `limit`.
  func groups(after: GroupID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryGroup]

  /// The group with an id; nil if it does not exist.
  func group(_ id: GroupID, in workspace: WorkspaceID) async throws -> DirectoryGroup?

  /// The members of a group, at most `limit`.
  ///
  /// - Parameter status: the status of the members to return; nil for all members.
  func members(
    of group: GroupID, status: MembershipStatus?, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryPerson]

  /// The people of a workspace with a state, at most `limit`.
  func members(in state: UserState, after: UserID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryPerson]

  /// The deprovision receipts of one member, or of all members if `member` is nil: newest first, at most `limit`.
  func receipts(
    of member: UserID?, before: ReceiptID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DeprovisionReceipt]

  /// The receipt with an id; nil if it does not exist.
  func receipt(_ id: ReceiptID, in workspace: WorkspaceID) async throws -> DeprovisionReceipt?

  /// The public keys of security event tokens, each a JSON Web Key (RFC 7517).
  func signingKeys() async throws -> [String]
}

/// A group of the product.
package struct DirectoryGroup: Sendable, Equatable, Encodable {
  /// The id.
  package var id: GroupID
  /// The display name.
  package var displayName: String

  /// - Parameter id: the group's id, which SCIM clients see as well.
  package init(id: GroupID, displayName: String) {
    self.id = id
    self.displayName = displayName
  }
}

/// A person in the product, listed alone or as a member of a group.
package struct DirectoryPerson: Sendable, Equatable, Encodable {
  /// The id.
  package var id: UserID
  /// The state; nil until the person's own data has arrived.
  package var state: UserState?
  /// The primary address.
  package var email: String?
  /// The display name.
  package var displayName: String?
  /// The product role.
  package var role: String?
  /// The status in the group, see ``MembershipStatus``; nil outside a list of group members.
  package var status: String?
  /// Why the member is not visible in the group yet, as text.
  package var waitsFor: String?

  /// - Parameters:
  ///   - status: the status in the group; nil outside a list of group members.
  ///   - waitsFor: why the member is not visible in the group yet, as text.
  package init(
    id: UserID, state: UserState? = nil, email: String? = nil, displayName: String? = nil, role: String? = nil, status: String? = nil,
    waitsFor: String? = nil
  ) {
    self.id = id
    self.state = state
    self.email = email
    self.displayName = displayName
    self.role = role
    self.status = status
    self.waitsFor = waitsFor
  }
}
