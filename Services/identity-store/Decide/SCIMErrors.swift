import Foundation
import Models
import Primitives
import SCIM

// Domain errors, with instructions for the admin of the identity provider.
extension SCIMError {
  static func userNameTaken(_ userName: String, by user: UserRecord) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: """
        A user with userName '\(userName)' already exists, with id \(user.id) and \(user.state == .disabled ? "disabled" : "enabled"). \
        userName is compared without case and without blanks at either end. Look the user up by userName and update it, or change the \
        userName of one of the two.
        """)
  }

  static func relinkRefused(_ userName: String, to user: UserRecord) -> SCIMError {
    let condition = user.state == .disabled ? "is disabled" : "waits for an admin to approve its deactivation"
    let shared = user.ownNameKey.name == ComparisonKey(userName).text ? "this userName" : "this externalId and address"
    return SCIMError(
      status: 409, scimType: .uniqueness,
      detail: """
        The user with id \(user.id) and userName '\(user.userName)' \(condition), and has \(shared). The workspace's relink policy is \
        'never', so the record is not reused. If both are one person, have the identity provider look the user up by userName and set \
        active to true. If not, delete that user or change its userName, then send the request again.
        """)
  }

  static func displayNameTaken(_ displayName: String, by group: GroupRecord) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: """
        A group with displayName '\(displayName)' already exists, with id \(group.id). displayName is compared without case and without \
        blanks at either end. Link to that group, or rename one of the two. A workspace can also allow several groups of one name: \
        scimctl workspace update SLUG --duplicate-group-names allow.
        """)
  }

  static func userNotFound(_ id: ResourceID, tombstone: Tombstone?, successor: UserRecord?) -> SCIMError {
    var detail = "User not found: this workspace has no user with id \(id)"
    if let tombstone { detail += "; it was deleted on \(Timestamp.text(tombstone.deletedAt))" }
    detail += ". "
    if let successor {
      detail += "A user with the same userName '\(successor.userName)' exists with id \(successor.id). "
    }
    detail += """
      The identity provider still refers to the old id: unassign the user from the application there and assign it again, so that it \
      looks the user up anew.
      """
    return SCIMError(status: 404, scimType: nil, detail: detail)
  }

  static func groupNotFound(_ id: ResourceID, tombstone: Tombstone?) -> SCIMError {
    var detail = "Group not found: this workspace has no group with id \(id)"
    if let tombstone { detail += "; it was deleted on \(Timestamp.text(tombstone.deletedAt))" }
    detail += ". Unlink the group from the application in the identity provider and push it again."
    return SCIMError(status: 404, scimType: nil, detail: detail)
  }

  static func unknownMembers(_ values: [String]) -> SCIMError {
    let named = values.prefix(10).map { "'\($0.truncated(to: 64, bytes: 256))'" }.joined(separator: ", ")
    let rest = values.count > 10 ? " and \(values.count - 10) more" : ""
    return SCIMError(
      status: 400, scimType: .invalidValue,
      detail: """
        members.value: no user of this workspace has the id \(named)\(rest). Assign these users to the application in the identity \
        provider first (unassign and assign again where they were deleted), then push the group again. Nothing was changed.
        """)
  }

  static func unknownRole(_ name: String, in settings: WorkspaceSettings) -> SCIMError {
    SCIMError(
      status: 400, scimType: .invalidValue,
      detail: """
        \(settings.roleAttribute): this workspace has no role '\(name.truncated(to: 100))'. Its roles are \
        \(settings.roles.joined(separator: ", ")); they are matched without case.
        """)
  }

  static func slugTaken(_ slug: String, by workspace: WorkspaceID) -> SCIMError {
    SCIMError(status: 409, scimType: .uniqueness, detail: "The slug '\(slug)' is taken by workspace \(workspace).")
  }

  static func invalidDomain(_ text: String) -> SCIMError {
    .badRequest(
      .invalidValue,
      """
      '\(text.truncated(to: 300))' is not a host name such as scim.example.com: at least two labels of lower-case letters, digits and inner dashes, \
      without scheme, port or path; other scripts in their ASCII form, xn--….
      """)
  }

  static func domainTaken(_ domain: String, by workspace: WorkspaceID, slug: String?) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail:
        "The domain '\(domain)' belongs to workspace \(slug.map { "'\($0)', \(workspace)" } ?? "\(workspace)"). Remove it there first.")
  }

  static func defaultRoleRemoved(_ role: String) -> SCIMError {
    .badRequest(
      .invalidValue,
      "The role '\(role)' is the workspace's default role. Give it another one first: scimctl workspace update SLUG --default-role ROLE.")
  }

  static func roleInUse(_ role: String, users: Int) -> SCIMError {
    .badRequest(
      .invalidValue,
      """
      The role '\(role)' is in use: \(users) \(users == 1 ? "user has" : "users have") it. Give \(users == 1 ? "that user" : "them") another \
      role in the identity provider first.
      """)
  }

  static func workspaceChanged(_ slug: String, version: Int64) -> SCIMError {
    SCIMError(
      status: 412, scimType: nil,
      detail: "The settings of workspace '\(slug)' have been changed meanwhile, to version \(version). Nothing was changed. Try again.")
  }
}

extension Command {
  /// Checks `If-Match` (RFC 7644 §3.14). The row is locked, so that of two writers with the same version only one succeeds.
  ///
  /// - Parameter kind: The noun for the resource in the error.
  /// - Throws: 412 if the current version is not an expected one.
  func checkVersion(_ version: Int64, of kind: String) throws(SCIMError) {
    guard let expectedVersions, !expectedVersions.contains(version) else { return }
    throw SCIMError(
      status: 412, scimType: nil,
      detail: """
        The \(kind) \(resource) has version W/"\(version)", which If-Match or the operation's version does not name: it has changed since it \
        was read. Nothing was changed. Read it again and repeat the change on the current version.
        """)
  }
}

// Refusals that are independent of the content of the command.
extension SCIMError {
  static func workspaceNotFound(_ id: WorkspaceID) -> SCIMError {
    SCIMError(status: 404, scimType: nil, detail: "There is no workspace \(id); see 'scimctl workspace list'.")
  }

  /// The command has passed its deadline, so no client waits for the reply. The refusal is recorded, also for redeliveries.
  static func deadlineExceeded(_ deadline: Date) -> SCIMError {
    SCIMError(
      status: 503, scimType: nil,
      detail: "The request exceeded its deadline (\(Timestamp.text(deadline))) and was not processed. Send it again.")
  }

  /// A bulk request within a bulk request.
  static func nestedBulk() -> SCIMError {
    .badRequest(
      .invalidSyntax, "The operations of a bulk request are POST, PUT, PATCH and DELETE of users and groups; none is a bulk request.")
  }

  /// The transaction of the command failed because of an internal error.
  static func commandFailed(_ command: CommandID) -> SCIMError {
    SCIMError(
      status: 500, scimType: nil,
      detail: """
        The request could not be processed, and nothing was changed. Report the id \(command) to the operator, who can find the command \
        by it.
        """)
  }

  /// The transaction of the command exceeded the time limit of a batch, even on its own.
  static func commandTimedOut(_ command: CommandID) -> SCIMError {
    SCIMError(
      status: 500, scimType: nil,
      detail: """
        The request took longer than the time limit of a batch, twice, and nothing was changed. If it changes many members of a group, send \
        them in several requests. Report the id \(command) to the operator, who can find the command by it.
        """)
  }
}
