import Models

/// What is read of the product's directory. Lists go by id, from behind `after` on: they stay in order while things come and go.
protocol DirectoryReads: Sendable {
  func groups(after: GroupID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryGroup]

  /// nil where there is none.
  func group(_ id: GroupID, in workspace: WorkspaceID) async throws -> DirectoryGroup?

  /// Those who are in a group and stand where `standing` says; nil for everybody.
  func members(
    of group: GroupID, standing: MembershipStatus?, after: UserID?, limit: Int, in workspace: WorkspaceID
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

/// Where a member of a group stands.
enum MembershipStatus: String, Sendable, CaseIterable {
  /// The product shows them.
  case visible
  /// Invited, or their own data has not come yet.
  case pending
  /// Disabled; they come back to the group when they are enabled.
  case held
}

/// A group of the product.
struct DirectoryGroup: Sendable, Equatable, Encodable {
  var id: GroupID
  var displayName: String
}

/// A person in the product, by themselves or as a member of a group.
struct DirectoryMember: Sendable, Equatable, Encodable {
  var id: UserID
  /// nil where the person's own data has not come yet.
  var state: UserState?
  var email: String?
  var displayName: String?
  var role: String?
  /// Of a member of a group.
  var standing: String?
  /// What for somebody who is not visible waits, in words.
  var waitsFor: String?
}
