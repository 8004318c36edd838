import EdgeHTTP
import Foundation
import Models
import Postgres

/// A user who signed in, as the response to the sign-in describes them.
package struct SignedInUser: Sendable, Equatable, Encodable {
  /// The id.
  package var id: UserID
  /// The state.
  package var state: UserState
  /// The id at the identity provider.
  package var externalId: String?
  /// The `userName`.
  package var userName: String?
  /// The primary address.
  package var email: String?
  /// The display name.
  package var displayName: String?
  /// The product role.
  package var role: String?
  /// The version of the user.
  package var version: Int64?

  /// A user of whom only id and state are known.
  package init(id: UserID, state: UserState) {
    self.id = id
    self.state = state
  }
}

extension SignedInUser {
  /// Reads the user with this id; nil if there is none.
  package typealias Read = @Sendable (UserID, WorkspaceID) async throws -> SignedInUser?

  /// Reads from the views of `database`.
  package static func read(from database: Database) -> Read {
    { id, workspace in
      guard let row = try await database.query(statement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first,
        let state = UserState(rawValue: try row.string(0))
      else { return nil }
      var user = SignedInUser(id: id, state: state)
      user.externalId = try row.optionalString(1)
      user.userName = try row.string(2)
      user.email = try row.optionalString(3)
      user.displayName = try row.optionalString(4)
      user.role = try row.string(5)
      user.version = Int64(try row.int(6))
      return user
    }
  }

  private static let statement = Statement(
    "scim_api_signed_in_user",
    """
    select state, external_id, user_name, email, display_name, role, version
    from identity_read.users
    where workspace_id = $1
    and id = $2
    """)
}
