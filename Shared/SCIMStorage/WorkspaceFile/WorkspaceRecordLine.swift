import Foundation
import Models
import SCIM

/// A record of a workspace's file: a line between the first and the last one, `{"type":"…","data":{…}}`.
///
/// The management API validates the lines of an import with it, and identity-store applies them.
public enum WorkspaceRecordLine: Sendable {
  /// The workspace, which is the first record.
  case workspace(WorkspaceContent)
  /// A user.
  case user(UserContent)
  /// A group, without its members.
  case group(GroupContent)
  /// Members of a group.
  case members(MembersContent)
  /// An imported account of the product.
  case account(AccountContent)
  /// A webhook endpoint, without its secret.
  case webhook(WebhookContent)
  /// The workspace's own wording of invitations in a language.
  case template(InvitationTemplate)

  /// The types of records, in the order of the file.
  public enum Kind: String, Sendable, CaseIterable {
    /// See the cases of ``WorkspaceRecordLine``.
    case workspace, webhook, template, user, group, members, account
  }

  /// The workspace and its settings.
  public struct WorkspaceContent: Sendable {
    /// The id.
    public var id: WorkspaceID
    /// The settings.
    public var settings: WorkspaceSettings
    /// When it was created.
    public var createdAt: Date
    /// When the settings were last changed.
    public var modifiedAt: Date
  }

  /// What users and groups have in common.
  public struct ResourceContent: Sendable {
    /// The id.
    public var id: ResourceID
    /// The version, which goes on from there.
    public var version: Int64
    /// When it was created.
    public var createdAt: Date
    /// When it was last changed.
    public var modifiedAt: Date
    /// The SCIM resource.
    public var resource: JSON
  }

  /// A user.
  public struct UserContent: Sendable {
    /// The id, version, times and SCIM resource.
    public var content: ResourceContent
    /// Invited, active or disabled.
    public var state: UserState
    /// The product role.
    public var role: String
    /// When the person first signed in.
    public var firstSignedInAt: Date?
    /// The product's id of the linked account.
    public var accountID: String?
  }

  /// A group.
  public struct GroupContent: Sendable {
    /// The id, version, times and SCIM resource.
    public var content: ResourceContent
  }

  /// Members of a group.
  public struct MembersContent: Sendable {
    /// The group.
    public var group: GroupID
    /// The members; a group may have several such records.
    public var members: [UserID]
    /// The most members of a record.
    public static let maximumCount = 1000
  }

  /// An imported account.
  public struct AccountContent: Sendable {
    /// The account.
    public var account: ImportedAccount
    /// The user that is linked to it.
    public var user: UserID?
    /// When it was imported.
    public var importedAt: Date
  }

  /// A webhook endpoint.
  public struct WebhookContent: Sendable {
    /// The id.
    public var id: WebhookID
    /// What the administrator set.
    public var subscription: WebhookSubscription
  }

  /// Reads a line.
  ///
  /// - Throws: ``WorkspaceLineError`` that says what is wrong.
  public init(line: [UInt8]) throws(WorkspaceLineError) {
    let object = try RecordFields(line: line)
    let type = try object.text("type")
    guard let kind = Kind(rawValue: type) else {
      throw WorkspaceLineError(
        "type is '\(type.prefix(50))'; expected one of \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    let data = try object.object("data")
    self =
      switch kind {
      case .workspace: .workspace(try data.workspace())
      case .user: .user(try data.user())
      case .group: .group(GroupContent(content: try data.content()))
      case .members: .members(try data.members())
      case .account: .account(try data.account())
      case .webhook: .webhook(try data.webhook())
      case .template: .template(try data.template())
      }
  }

  /// The type of the record.
  public var kind: Kind {
    switch self {
    case .workspace: .workspace
    case .user: .user
    case .group: .group
    case .members: .members
    case .account: .account
    case .webhook: .webhook
    case .template: .template
    }
  }
}

extension WorkspaceRecordLine.UserContent {
  /// The user's document and role, as the workspace requires them.
  ///
  /// - Throws: ``WorkspaceLineError`` if the SCIM resource is invalid or too large, or the role is unknown.
  public func document(in settings: WorkspaceSettings, schemas: ResourceSchemas) throws(WorkspaceLineError) -> UserDocument {
    do throws(SCIMError) {
      let document = try UserDocument(content.resource, schemas: schemas).settingActive(state.isActiveInSCIM)
      try document.checkBounds(schemas: schemas)
      guard settings.role(named: role) == role else {
        throw .badRequest(.invalidValue, "The role '\(role.prefix(100))' is none of \(settings.roles.joined(separator: ", ").prefix(500)).")
      }
      return document
    } catch {
      throw WorkspaceLineError(error.detail)
    }
  }
}

extension WorkspaceRecordLine.GroupContent {
  /// The group's document.
  ///
  /// - Throws: ``WorkspaceLineError`` if the SCIM resource is invalid or too large.
  public func document(schemas: ResourceSchemas) throws(WorkspaceLineError) -> GroupDocument {
    do throws(SCIMError) {
      let document = try GroupDocument(content.resource, schemas: schemas)
      try document.checkBounds(schemas: schemas)
      return document
    } catch {
      throw WorkspaceLineError(error.detail)
    }
  }
}

/// What is wrong with a line of a workspace's file.
public struct WorkspaceLineError: Error, Sendable, Hashable {
  /// The sentence for the operator.
  public var detail: String

  /// Creates an error.
  public init(_ detail: String) { self.detail = detail }
}
