import Crypto
import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

// The records of a workspace's file. The management API has validated the file as a whole, so that refusals are exceptions.
extension Decider {
  /// Applies a record to the working set, and publishes it.
  ///
  /// Invited people are published as restated, without a mail: the invitation of the other deployment reached them.
  ///
  /// - Throws: The reason, without the line.
  mutating func apply(_ record: WorkspaceRecordLine, of command: Command) throws(SCIMError) {
    if case .workspace(let content) = record { return try importWorkspace(content, as: command.workspace) }
    guard let workspace = state.workspaces[command.workspace] else { throw .workspaceNotFound(command.workspace) }
    if let deletion = workspace.settings.deletion { throw .workspaceInDeletion(deletion) }
    do throws(WorkspaceLineError) {
      switch record {
      case .workspace: break
      case .user(let user): try importUser(user, in: workspace)
      case .group(let group): try importGroup(group, in: workspace)
      case .members(let members): try importMembers(members, in: workspace)
      case .account(let account): try importAccount(account, in: workspace)
      case .webhook(let webhook): try importWebhook(webhook, command)
      case .template(let template): try importTemplate(template, command)
      }
    } catch {
      throw .badRequest(.invalidValue, error.detail)
    }
  }

  private mutating func importUser(_ user: WorkspaceRecordLine.UserContent, in workspace: WorkspaceRecord) throws(WorkspaceLineError) {
    let key = ResourceKey(workspace: workspace.id, id: user.content.id)
    guard state.users[key] == nil, state.groups[key] == nil else { throw WorkspaceLineError("The id \(key.id) is in use already.") }
    let document = try user.document(in: workspace.settings, schemas: workspace.schemas)
    if let namesake = state.user(named: NameKey(workspace: workspace.id, comparing: document.userName)) {
      throw WorkspaceLineError("The user \(namesake.id) has the same userName.")
    }
    var record = UserRecord(
      key: key, userName: document.userName, state: user.state, role: user.role, version: user.content.version,
      createdAt: user.content.createdAt, modifiedAt: user.content.modifiedAt, document: [])
    record.update(from: document)
    record.firstSignedInAt = user.firstSignedInAt
    record.accountID = user.accountID
    state.insert(record)
    guard record.state == .invited else { return publishChange(of: record, .created, document: document) }
    publishChange(
      of: record, .restated, document: document,
      invitation: UserChanged.RestatedInvitation(createdAt: record.createdAt, missing: .none))
  }

  private mutating func importGroup(_ group: WorkspaceRecordLine.GroupContent, in workspace: WorkspaceRecord) throws(WorkspaceLineError) {
    let key = ResourceKey(workspace: workspace.id, id: group.content.id)
    guard state.users[key] == nil, state.groups[key] == nil else { throw WorkspaceLineError("The id \(key.id) is in use already.") }
    let document = try group.document(schemas: workspace.schemas)
    var record = GroupRecord(
      key: key, displayName: document.displayName, version: group.content.version, createdAt: group.content.createdAt,
      modifiedAt: group.content.modifiedAt, document: [], mayShareName: workspace.settings.duplicateGroupNames == .allow)
    record.update(from: document)
    state.insert(record)
    publishChange(of: record, .created, added: [], removed: [])
  }

  /// Adds members to a group of an earlier line. The group gets another version, so that consumers see the change, and keeps its time.
  private mutating func importMembers(
    _ content: WorkspaceRecordLine.MembersContent, in workspace: WorkspaceRecord
  ) throws(WorkspaceLineError) {
    let key = ResourceKey(workspace: workspace.id, id: content.group.resource)
    guard var group = state.groups[key] else { throw WorkspaceLineError("The group \(content.group) is in no earlier line.") }
    if let unknown = content.members.first(where: { !state.userExists($0, in: workspace.id) }) {
      throw WorkspaceLineError("The member \(unknown) is in no earlier line.")
    }
    let added = state.withMembers(of: key) { $0.add(content.members) }
    guard !added.isEmpty else { return }
    group.version += 1
    state.update(group)
    publishChange(of: group, .updated, added: added, removed: [])
  }

  /// Orders invitation-mailer to use a template.
  private mutating func importTemplate(_ template: InvitationTemplate, _ command: Command) throws(WorkspaceLineError) {
    do throws(SCIMError) {
      try Self.checkText(template, "The template", maximum: InvitationOrder.maximumTemplateSize)
    } catch {
      throw WorkspaceLineError(error.detail)
    }
    // Each order has an id of its own, the same for every delivery of the command.
    let id = CommandID(bytes: SHA256.hash(data: Array("template \(command.id) \(template.language)".utf8)))
    publish(
      .invitationOrdered(
        InvitationOrdered(
          id: id, workspace: command.workspace, order: .setTemplate(template), actor: command.actor.rawValue, orderedAt: now)))
  }

  private mutating func importAccount(
    _ content: WorkspaceRecordLine.AccountContent, in workspace: WorkspaceRecord
  ) throws(WorkspaceLineError) {
    let account = content.account
    let record = AccountRecord(
      key: .account(account.id, in: workspace.id), email: account.email, externalID: account.externalID, state: account.state,
      user: content.user, importedAt: content.importedAt)
    guard state.accounts[record.key] == nil else { throw WorkspaceLineError("The account '\(account.id.prefix(100))' exists already.") }
    state.write(record)
  }
}
