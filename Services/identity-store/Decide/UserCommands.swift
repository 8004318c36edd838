import Foundation
import Models
import Primitives
import SCIM

/// POST of a user.
struct CreateUser: WorkspaceBoundCommand {
  /// The parsed User resource.
  let document: JSON
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.created.insert(command.key)
    let name = writeSet.insertNames(of: document, in: command.workspace)
    if let name, case .object(let attributes) = document, case .string(let id)? = attributes.value(forAttribute: "externalId") {
      writeSet.createdUsers[name, default: []].insert(id)
    }
    guard !UserDocument.deactivates(document) else {
      writeSet.deactivating.insert(command.workspace)
      return
    }
    writeSet.seating.insert(command.workspace)
    writeSet.enrolling.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.createUser(command, document, in: workspace)
  }
}

/// PUT of a user.
struct ReplaceUser: WorkspaceBoundCommand {
  /// The parsed User resource.
  let document: JSON
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    if let name = writeSet.insertNames(of: document, in: command.workspace) {
      writeSet.renamedUsers[name, default: []].insert(command.key)
    }
    writeSet.insertRewrite(of: command.key, disabling: UserDocument.deactivates(document))
    if UserDocument.deactivates(document) { writeSet.deactivating.insert(command.workspace) }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.replaceUser(command, document, in: workspace)
  }
}

/// PATCH of a user.
struct PatchUser: WorkspaceBoundCommand {
  /// The parsed PatchOp message.
  let patch: Patch
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    writeSet.deactivating.insert(command.workspace)
    writeSet.insertRewrite(of: command.key, disabling: patch.deactivates)
    writeSet.accountEmails.formUnion(patch.mentionedAddresses.map { NameKey(workspace: command.workspace, comparing: $0) })
    writeSet.accountIDs.formUnion(patch.mentionedExternalIDs.map { .account($0, in: command.workspace) })
    for name in patch.mentionedNames {
      writeSet.userNames.formUnion(NameKey.forms(of: name, in: command.workspace))
      writeSet.renamedUsers[NameKey(workspace: command.workspace, comparing: name), default: []].insert(command.key)
    }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.patchUser(command, patch, in: workspace)
  }
}

/// DELETE of a user.
struct DeleteUser: WorkspaceBoundCommand {
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    writeSet.deactivating.insert(command.workspace)
    writeSet.insertRewrite(of: command.key, disabling: true)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    let existing = try decider.user(command.key, named: nil)
    try command.checkVersion(existing.version, of: "user")
    if !decider.waitsForApproval(.userDeleted, of: existing, in: workspace, for: command) { decider.delete(existing) }
    return .done
  }
}

extension WriteSet {
  /// Adds a user who may get another role, and is enabled or disabled.
  fileprivate mutating func insertRewrite(of user: ResourceKey, disabling isDisabling: Bool) {
    rewritten.insert(user)
    if isDisabling { disabling.insert(user.workspace) } else { seating.insert(user.workspace) }
  }

  /// Adds the `userName` and the addresses of a User resource.
  ///
  /// - Returns: The key of the `userName`; `nil` if there is none.
  fileprivate mutating func insertNames(of document: JSON, in workspace: WorkspaceID) -> NameKey? {
    guard case .object(let attributes) = document else { return nil }
    if case .array(let values)? = attributes.value(forAttribute: "emails") {
      for case .object(let email) in values {
        guard case .string(let address)? = email.value(forAttribute: "value") else { continue }
        emails.formUnion(NameKey.forms(of: address, in: workspace))
      }
    }
    if case .string(let id)? = attributes.value(forAttribute: "externalId") { accountIDs.insert(.account(id, in: workspace)) }
    guard case .string(let name)? = attributes.value(forAttribute: "userName") else { return nil }
    // People can sign in with a userName that is an address.
    let forms = NameKey.forms(of: name, in: workspace)
    userNames.formUnion(forms)
    emails.formUnion(forms)
    return NameKey(workspace: workspace, comparing: name)
  }
}

extension Decider {
  /// Creates a user, or reuses the record of a disabled user with the same `userName`. An enabled user with the name is a conflict.
  ///
  /// An `externalId` alone never identifies a person: identity providers reuse it for other people, or leave it blank.
  fileprivate mutating func createUser(_ command: Command, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let document = try userDocument(json, of: command, in: workspace)
    let role = try role(of: document, in: workspace)
    let name = NameKey(workspace: workspace.id, comparing: document.userName)
    if let existing = state.user(named: name) {
      // For the identity provider, a user with a pending deactivation is disabled.
      guard existing.state == .disabled || state.heldDeactivation(of: existing.key) != nil else {
        throw .userNameTaken(document.userName, by: existing)
      }
      let isReassigned = UserRecord.differ(existing.externalID, document.externalID)
      return try relink(document, role: role, to: existing, isReassigned ? .reassigned : .samePerson, in: workspace, for: command)
    }
    if let externalID = document.externalID, let email = document.email,
      let existing = state.disabledUser(
        externalID: externalID, email: NameKey(workspace: workspace.id, comparing: email), in: workspace.id)
    {
      return try relink(document, role: role, to: existing, .samePerson, in: workspace, for: command)
    }
    if !command.isValidated(for: workspace) { try document.checkBounds(schemas: workspace.schemas) }
    return .resource(try insert(document, role: role, in: workspace, for: command).stored, created: true)
  }

  /// Replaces a user. Without `active` the user stays enabled or disabled, so that nobody is enabled by accident.
  fileprivate mutating func replaceUser(_ command: Command, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome
  {
    if UserDocument.deactivates(json) { return try replaceDisabling(command, json, in: workspace) }
    let document = try userDocument(json, of: command, in: workspace)
    let existing = try user(command.key, named: document.userName)
    try command.checkVersion(existing.version, of: "user")
    let replacement = try document.replacing(openDocument: existing.document, schemas: workspace.schemas)
    try replacement.checkBounds(replacing: existing.document, schemas: workspace.schemas)
    let active = document.attributes.value(forAttribute: "active") == nil ? isActive(existing) : document.active
    return try rewrite(
      existing, as: replacement.settingActive(active), active: active, isReplacement: true, in: workspace, for: command)
  }

  private func userDocument(_ json: JSON, of command: Command, in workspace: WorkspaceRecord) throws(SCIMError) -> UserDocument {
    if command.isValidated(for: workspace), let document = UserDocument(validated: json, schemas: workspace.schemas) { return document }
    return try UserDocument(json, schemas: workspace.schemas)
  }

  /// Applies a PATCH to a user.
  fileprivate mutating func patchUser(_ command: Command, _ patch: Patch, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome
  {
    let existing = try user(command.key, named: nil)
    try command.checkVersion(existing.version, of: "user")
    let schemas = workspace.schemas
    var document = try UserDocument(openDocument: existing.document, schemas: schemas)
    if state.heldDeactivation(of: existing.key) != nil { document = document.settingActive(false) }
    if patch.deactivates { return disable(existing, by: patch, over: document, in: workspace, for: command) }
    document = try patch.applied(to: document, schemas: schemas)
    try document.checkBounds(replacing: existing.document, schemas: schemas)
    let active = document.attributes["active"]?.bool ?? isActive(existing)
    // A PATCH of the role replaces the change of the role that waits.
    let isReplacement =
      state.heldChanges[existing.key]?.kind == .roleChanged && patch.mentions(workspace.settings.roleAttribute)
    return try rewrite(
      existing, as: document.settingActive(active), active: active, isReplacement: isReplacement, in: workspace, for: command)
  }

  mutating func delete(_ existing: UserRecord) {
    supersedeHeldChange(of: existing.key)
    unlink(existing)
    let tombstone = Tombstone(
      key: existing.key, type: .user, userNameHash: nameHash(existing.ownNameKey), version: existing.version + 1, deletedAt: now)
    state.delete(existing, leaving: tombstone)
    publish(
      .userChanged(
        UserChanged(
          workspace: existing.key.workspace, user: UserSnapshot(id: existing.id, state: .disabled), change: .deleted,
          version: existing.version + 1, changedAt: now)))
  }

  /// Whether the user is enabled as the identity provider sees it: not if a deactivation is pending.
  private func isActive(_ user: UserRecord) -> Bool {
    user.state.isActiveInSCIM && state.heldDeactivation(of: user.key) == nil
  }

  func user(_ key: ResourceKey, named name: String?) throws(SCIMError) -> UserRecord {
    if let user = state.users[key] { return user }
    let namesake = name.flatMap { state.user(named: NameKey(workspace: key.workspace, comparing: $0)) }
    throw .userNotFound(key.id, tombstone: state.tombstones[key], successor: namesake ?? state.successors[key])
  }

  private mutating func rewrite(
    _ existing: UserRecord, as document: UserDocument, active: Bool, isReplacement: Bool, in workspace: WorkspaceRecord,
    for command: Command
  ) throws(SCIMError) -> Reply.Outcome {
    let role = try role(of: document, in: workspace)
    if let namesake = namesake(of: document, other: existing, in: workspace) { throw .userNameTaken(document.userName, by: namesake) }
    guard active else {
      let isHeld = waitsForApproval(.userDisabled, of: existing, in: workspace, for: command)
      let keepsRole = isHeld && role != existing.role && isHeldAdmin(existing, in: workspace)
      let kept = try keepsRole ? keepingRole(of: existing, in: document, workspace) : document
      let user = write(kept.settingActive(isHeld), role: keepsRole ? existing.role : role, active: isHeld, over: existing)
      return .resource(user.stored, created: false)
    }
    let (admission, admittedRole) = try holdingLastAdmin(
      admission(of: document, over: existing, in: workspace), role: role, of: existing, in: workspace)
    let user = write(admission.document, role: admittedRole, active: admission.isActive, over: existing, linking: admission.account)
    settle(admission, of: user, isReplacement: isReplacement, for: command)
    return .resource(user.stored, created: false)
  }

  /// Another user with the `userName` of the document. A user who shares a name since before comparison keys may keep it.
  func namesake(of document: UserDocument, other existing: UserRecord, in workspace: WorkspaceRecord) -> UserRecord? {
    let name = NameKey(workspace: workspace.id, comparing: document.userName)
    guard name != existing.ownNameKey else { return nil }
    return state.user(named: name).flatMap { $0.key == existing.key ? nil : $0 }
  }

  private mutating func insert(
    _ document: UserDocument, role: String, in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) -> UserRecord {
    let admission = try document.active ? admission(of: document, over: nil, in: workspace) : nil
    let document = admission?.document ?? document.settingActive(false)
    var user = UserRecord(
      key: command.key, userName: document.userName, state: .disabled, role: role, version: 1, createdAt: now, modifiedAt: now, document: []
    )
    user.update(from: document)
    if document.active {
      user.accountID = admission?.account?.id
      user.firstSignedInAt = takeEarlySignIn(of: user)
      user.state = user.stateWhenEnabled
    }
    state.insert(user)
    publishChange(of: user, .created, document: document)
    if let admission { settle(admission, of: user, isReplacement: true, for: command) }
    return user
  }

  /// Updates a user, publishes the change, and returns the result; `existing` itself if nothing differs.
  ///
  /// - Parameter account: The account to which the user is linked from now on.
  mutating func write(
    _ document: UserDocument, role: String, active: Bool, over existing: UserRecord, linking account: AccountRecord? = nil
  ) -> UserRecord {
    var user = existing
    user.accountID = account?.id ?? existing.accountID
    user.role = role
    user.update(from: document)
    var change = UserChanged.Change.updated
    switch (existing.state.isActiveInSCIM, active) {
    case (true, false):
      user.state = .disabled
      change = .disabled
    case (false, true):
      user.firstSignedInAt = user.firstSignedInAt ?? takeEarlySignIn(of: user)
      user.state = user.stateWhenEnabled
      change = .enabled
    case (true, true) where account != nil && user.state == .invited:
      user.state = .active
      change = .activated
    case (true, true), (false, false): break
    }
    guard user != existing else { return existing }
    user.version += 1
    user.modifiedAt = now
    state.update(user)
    publishChange(of: user, change, document: document)
    return user
  }

  /// The time of an early sign-in of the user, by `userName` or address; `nil` if there was none. Consumes the stored sign-ins.
  private mutating func takeEarlySignIn(of user: UserRecord) -> Date? {
    let keys = Set([user.userName, user.email].compactMap { $0 }.flatMap { NameKey.forms(of: $0, in: user.key.workspace) })
    // Expired sign-ins are ignored until they are deleted.
    let times = keys.compactMap { state.earlySignIns[$0] }.filter { $0 > now.addingTimeInterval(-SignIn.memory) }
    for key in keys where state.earlySignIns[key] != nil { state.consumeEarlySignIn(key) }
    return times.min()
  }

  func role(of document: UserDocument, in workspace: WorkspaceRecord) throws(SCIMError) -> String {
    guard let name = document.role else { return workspace.settings.defaultRole }
    guard let role = workspace.settings.role(named: name) else { throw .unknownRole(name, in: workspace.settings) }
    return role
  }
}

extension UserRecord {
  /// Whether both ids are present and differ.
  static func differ(_ one: String?, _ other: String?) -> Bool {
    guard let one, let other else { return false }
    return one != other
  }

  /// Updates the fields that derive from the document. The caller sets state, version and times.
  mutating func update(from document: UserDocument) {
    if ComparisonKey(document.userName) != ComparisonKey(userName) { storedNameKey = nil }
    userName = document.userName
    externalID = document.externalID
    displayName = document.displayName ?? document.formattedName
    givenName = document.givenName
    familyName = document.familyName
    email = document.email
    otherEmailKeys = otherEmailKeys(of: document.emails)
    language = document.language
    self.document = document.openDocument(id: key.id.description, created: Timestamp.text(createdAt))
  }
}
