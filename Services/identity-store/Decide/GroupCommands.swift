import Models
import Primitives
import SCIM

/// POST of a group, `members` included.
struct CreateGroup: WorkspaceBoundCommand {
  /// The parsed Group resource.
  let document: JSON
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.created.insert(command.key)
    if let name = writeSet.insertNameAndMembers(of: document, command) {
      writeSet.createdGroups.insert(NameKey(workspace: command.workspace, comparing: name))
    }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.createGroup(command, document, in: workspace)
  }
}

/// PUT of a group, `members` included.
struct ReplaceGroup: WorkspaceBoundCommand {
  /// The parsed Group resource.
  let document: JSON
  var auditScope: AuditScope { .people }
  var loadsAllMembers: Bool { true }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.groups.insert(command.key)
    writeSet.replacedGroups.insert(command.key)
    writeSet.shrinkingGroups.insert(command.key)
    _ = writeSet.insertNameAndMembers(of: document, command)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.replaceGroup(command, document, in: workspace)
  }
}

/// PATCH of a group.
struct PatchGroup: WorkspaceBoundCommand {
  /// The parsed PatchOp message.
  let patch: Patch
  var auditScope: AuditScope { .people }
  var loadsAllMembers: Bool {
    patch.mentionedMemberEdits.contains { edit in
      switch edit {
      case .replace, .removeAll: true
      case .add, .remove: false
      }
    }
  }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    let group = command.key
    writeSet.groups.insert(group)
    for name in patch.mentionedNames { writeSet.groupNames.formUnion(NameKey.forms(of: name, in: command.workspace)) }
    for edit in patch.mentionedMemberEdits {
      switch edit {
      case .add(let values):
        writeSet.insertMembers(values, of: group)
      case .remove(let values):
        writeSet.shrinkingGroups.insert(group)
        writeSet.insertMembers(values, of: group)
      case .replace(let values):
        writeSet.shrinkingGroups.insert(group)
        writeSet.replacedGroups.insert(group)
        writeSet.insertMembers(values, of: group)
      case .removeAll:
        writeSet.shrinkingGroups.insert(group)
        writeSet.replacedGroups.insert(group)
      }
    }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.patchGroup(command, patch, in: workspace)
  }
}

/// DELETE of a group.
struct DeleteGroup: WorkspaceBoundCommand {
  var auditScope: AuditScope { .people }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.groups.insert(command.key)
    writeSet.shrinkingGroups.insert(command.key)
    writeSet.deletedGroups.insert(command.key)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    let existing = try decider.group(command.key)
    try command.checkVersion(existing.version, of: "group")
    if !decider.deletionWaitsForApproval(of: existing, in: workspace, for: command) { decider.delete(existing) }
    return .done
  }
}

extension WriteSet {
  /// Adds the name and the members of a Group resource.
  ///
  /// - Returns: The `displayName`; `nil` if there is none.
  fileprivate mutating func insertNameAndMembers(of document: JSON, _ command: Command) -> String? {
    guard case .object(let attributes) = document else { return nil }
    if case .array(let members)? = attributes.value(forAttribute: "members") {
      let values = members.compactMap { $0.object?.value(forAttribute: "value")?.string }
      insertMembers(values, of: command.key)
    }
    guard case .string(let name)? = attributes.value(forAttribute: "displayName") else { return nil }
    groupNames.formUnion(NameKey.forms(of: name, in: command.workspace))
    return name
  }

  /// Adds the memberships of the users with these ids; values that are not ids are ignored.
  fileprivate mutating func insertMembers(_ values: [String], of group: ResourceKey) {
    for user in values.compactMap({ UserID($0) }) { memberships.insert(MembershipKey(group: group, user: user)) }
  }
}

extension Decider {
  fileprivate mutating func createGroup(_ command: Command, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome
  {
    let document = try groupDocument(json, of: command, in: workspace)
    if !command.isValidated(for: workspace) { try document.checkBounds(schemas: workspace.schemas) }
    var group = GroupRecord(
      key: command.key, displayName: document.displayName, version: 1, createdAt: now, modifiedAt: now, document: [],
      mayShareName: workspace.settings.duplicateGroupNames == .allow)
    group.update(from: document)
    if let namesake = namesake(of: group) {
      // For the identity provider, a group with a pending deletion is deleted. The new group reuses its record and id.
      guard state.heldChanges[namesake.key]?.kind == .groupDeleted else { throw .displayNameTaken(document.displayName, by: namesake) }
      let edits = [MembershipEdit.replace(document.members.map(\.value))]
      let outcome = try rewrite(namesake, as: document, edits: edits, in: workspace, for: command)
      guard case .resource(let stored, _) = outcome else { return outcome }
      return .resource(stored, created: true)
    }
    let members = try memberIDs(document.members.map(\.value), in: group.key)
    state.insert(group)
    let added = state.withMembers(of: group.key) { $0.add(members) }
    publishChange(of: group, .created, added: added, removed: [])
    return .resource(group.stored, created: true)
  }

  /// Replaces a group. Without `members` in the document the group becomes empty (RFC 7644 §3.5.1).
  fileprivate mutating func replaceGroup(_ command: Command, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome
  {
    let document = try groupDocument(json, of: command, in: workspace)
    let existing = try group(command.key)
    try command.checkVersion(existing.version, of: "group")
    let replacement = try document.replacing(openDocument: existing.document, schemas: workspace.schemas)
    try replacement.checkBounds(replacing: existing.document, schemas: workspace.schemas)
    return try rewrite(existing, as: replacement, edits: [.replace(document.members.map(\.value))], in: workspace, for: command)
  }

  private func groupDocument(_ json: JSON, of command: Command, in workspace: WorkspaceRecord) throws(SCIMError) -> GroupDocument {
    if command.isValidated(for: workspace), let document = try GroupDocument(validated: json) { return document }
    return try GroupDocument(json, schemas: workspace.schemas)
  }

  fileprivate mutating func patchGroup(_ command: Command, _ patch: Patch, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome
  {
    let existing = try group(command.key)
    try command.checkVersion(existing.version, of: "group")
    let schemas = workspace.schemas
    let (document, edits) = try patch.applied(to: GroupDocument(openDocument: existing.document, schemas: schemas), schemas: schemas)
    try document.checkBounds(replacing: existing.document, schemas: schemas)
    return try rewrite(existing, as: document, edits: edits, in: workspace, for: command)
  }

  mutating func delete(_ group: GroupRecord) {
    supersedeHeldChange(of: group.key)
    var existing = group
    existing.version += 1
    state.delete(
      existing, leaving: Tombstone(key: existing.key, type: .group, userNameHash: nil, version: existing.version, deletedAt: now))
    publishChange(of: existing, .deleted, added: [], removed: [])
  }

  /// Another group with the same name, if the workspace requires unique names.
  private func namesake(of group: GroupRecord) -> GroupRecord? {
    group.mayShareName ? nil : state.groups(named: group.nameKey).first { $0.key != group.key }
  }

  fileprivate func group(_ key: ResourceKey) throws(SCIMError) -> GroupRecord {
    guard let group = state.groups[key] else { throw .groupNotFound(key.id, tombstone: state.tombstones[key]) }
    return group
  }

  private mutating func rewrite(
    _ existing: GroupRecord, as document: GroupDocument, edits: [MembershipEdit], in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) -> Reply.Outcome {
    var group = existing
    group.update(from: document)
    // Groups that already share a name keep it.
    if group.ownNameKey != existing.ownNameKey {
      group.mayShareName = workspace.settings.duplicateGroupNames == .allow
      if let namesake = namesake(of: group) { throw .displayNameTaken(document.displayName, by: namesake) }
    }
    // Check every edit before applying the first: a PATCH is atomic (RFC 7644 §3.5.2).
    let checked = try edits.map { edit throws(SCIMError) in try check(edit, in: group.key) }
    let before = state.members[group.key] ?? GroupMembers()
    for edit in checked.effective { state.withMembers(of: group.key) { $0.apply(edit) } }
    holdDepartures(from: existing, of: before, after: checked, in: workspace, for: command)
    let (added, removed) = (state.members[group.key] ?? GroupMembers()).difference(from: before)
    guard group != existing || !added.isEmpty || !removed.isEmpty else { return .resource(existing.stored, created: false) }
    group.version += 1
    group.modifiedAt = now
    state.update(group)
    publishChange(of: group, .updated, added: added, removed: removed)
    return .resource(group.stored, created: false)
  }

  private func check(_ edit: MembershipEdit, in group: ResourceKey) throws(SCIMError) -> CheckedEdit {
    switch edit {
    case .add(let values): .add(try memberIDs(values, in: group))
    case .replace(let values): .replace(try memberIDs(values, in: group))
    // Removing a nonmember or an unknown user is not an error.
    case .remove(let values): .remove(values.compactMap { UserID($0) })
    case .removeAll: .replace([])
    }
  }

  /// The ids of new members.
  ///
  /// - Throws: 400 if one is neither a user of the workspace nor a member already.
  private func memberIDs(_ values: [String], in group: ResourceKey) throws(SCIMError) -> [UserID] {
    var ids: [UserID] = []
    var unknown: [String] = []
    for value in values {
      if let id = UserID(value), state.userExists(id, in: group.workspace) || state.members[group]?.contains(id) == true {
        ids.append(id)
      } else {
        unknown.append(value)
      }
    }
    guard unknown.isEmpty else { throw .unknownMembers(unknown) }
    return ids
  }

  mutating func publishChange(of group: GroupRecord, _ change: GroupChanged.Change, added: [UserID], removed: [UserID]) {
    for (part, members) in MembershipParts(added: added, removed: removed).enumerated() {
      publish(
        .groupChanged(
          GroupChanged(
            workspace: group.key.workspace, group: group.id, displayName: group.displayName, externalID: group.externalID,
            change: change, version: group.version, part: part, addedMembers: members.added, removedMembers: members.removed,
            changedAt: now)))
    }
  }
}

extension GroupRecord {
  /// Updates the fields that derive from the document.
  mutating func update(from document: GroupDocument) {
    if ComparisonKey(document.displayName) != ComparisonKey(displayName) { storedNameKey = nil }
    displayName = document.displayName
    externalID = document.externalID
    self.document = document.openDocument(id: key.id.description, created: Timestamp.text(createdAt))
  }
}
