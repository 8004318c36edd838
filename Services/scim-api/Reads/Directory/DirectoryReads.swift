import EdgeHTTP
import Models

/// What is read of the product's directory. Lists go by id, from behind `after` on: they stay in order while things come and go.
package protocol DirectoryReads: Sendable {
  func groups(after: GroupID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryGroup]

  /// nil where there is none.
  func group(_ id: GroupID, in workspace: WorkspaceID) async throws -> DirectoryGroup?

  /// The members of a group with `status`; nil for all.
  func members(
    of group: GroupID, status: MembershipStatus?, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryMember]

  func members(in state: UserState, after: UserID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryMember]

  /// Receipts, the newest first; of one member or of everybody.
  func receipts(
    of member: UserID?, before: ReceiptID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DeprovisionReceipt]

  /// nil where there is none.
  func receipt(_ id: ReceiptID, in workspace: WorkspaceID) async throws -> DeprovisionReceipt?

  /// The public keys of security event tokens, each a JSON Web Key.
  func signingKeys() async throws -> [String]
}

/// A group of the product.
package struct DirectoryGroup: Sendable, Equatable, Encodable {
  /// The id.
  package var id: GroupID
  /// The display name.
  package var displayName: String

  /// Creates a value with these properties.
  package init(id: GroupID, displayName: String) {
    self.id = id
    self.displayName = displayName
  }
}

/// A person in the product, by themselves or as a member of a group.
package struct DirectoryMember: Sendable, Equatable, Encodable {
  /// The id.
  package var id: UserID
  /// nil where the person's own data has not come yet.
  package var state: UserState?
  /// The primary address.
  package var email: String?
  /// The display name.
  package var displayName: String?
  /// The product role.
  package var role: String?
  /// Of a member of a group.
  package var status: String?
  /// What for somebody who is not visible waits, in words.
  package var waitsFor: String?

  /// Creates a value with these properties.
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
