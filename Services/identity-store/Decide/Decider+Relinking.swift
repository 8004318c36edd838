import Models
import SCIM

// Relinking: a POST that reuses the record of a disabled user; see ``WorkspaceSettings/RelinkPolicy``.
extension Decider {
  /// Reuses the record of `existing` for `document`.
  ///
  /// - Throws: 409 if the relink policy of the workspace is `never`.
  mutating func relink(
    _ document: UserDocument, role: String, to existing: UserRecord, _ reason: Relink, in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) -> Reply.Outcome {
    guard workspace.settings.relink != .never else { throw .relinkRefused(document.userName, to: existing) }
    try document.checkBounds(replacing: existing.document, schemas: workspace.schemas)
    var admission: Admission?
    if document.active {
      var record = existing
      if reason == .reassigned { (record.state, record.accountID) = (.disabled, nil) }
      admission = try self.admission(
        of: document, over: record, in: workspace, except: reason == .reassigned ? existing.accountID : nil)
    } else {
      supersedeHeldChange(of: existing.key)
    }
    var former = existing
    var left: [GroupID] = []
    if reason == .reassigned {
      left = leaveAllGroups(former.key, in: workspace)
      former = reset(former, in: workspace)
    }
    let user = write(
      admission?.document ?? document.settingActive(false), role: role, active: admission?.isActive ?? false, over: former,
      linking: admission?.account)
    if let admission { settle(admission, of: user, isReplacement: true, for: command) }
    auditRelink(of: user, reason, left: left, for: command)
    var stored = user.stored
    stored.relink = reason
    return .resource(stored, created: true)
  }

  /// Resets a record whose `userName` was given to another person: a disabled user who has never signed in.
  ///
  /// Early sign-ins with addresses of the former person are deleted, so that they do not count for the new one.
  private mutating func reset(_ existing: UserRecord, in workspace: WorkspaceRecord) -> UserRecord {
    var user = existing
    let former = [user.userName, user.email].compactMap { $0 }.flatMap { NameKey.forms(of: $0, in: user.key.workspace) }
    for key in former where state.earlySignIns[key] != nil { state.consumeEarlySignIn(key) }
    if user.state.isActiveInSCIM {
      // The deactivation waited for approval. The product must end the sessions of the former person first.
      if workspace.settings.changeGuard?.maximumDeactivations != nil { state.countDeactivation(of: user.key) }
      user.state = .disabled
      user.version += 1
      user.modifiedAt = now
      state.update(user)
      publishChange(of: user, .disabled)
    }
    user.firstSignedInAt = nil
    unlink(user)
    user.accountID = nil
    return user
  }

  /// Removes a user from all groups. The change guard counts the departures but does not hold them: the new person must not inherit the
  /// memberships.
  private mutating func leaveAllGroups(_ user: ResourceKey, in workspace: WorkspaceRecord) -> [GroupID] {
    var left: [GroupID] = []
    for key in state.groups(of: user) {
      guard var group = state.groups[key], let before = state.members[key] else { continue }
      let removed = state.withMembers(of: key) { $0.remove([user.id.user]) }
      guard !removed.isEmpty else { continue }
      if workspace.settings.changeGuard?.maximumShrink != nil {
        state.countDepartures(removed.count, from: key, before: state.departures(from: key, of: before))
      }
      if let held = state.heldChanges[key], held.status == .pending { reduceHeldChange(held, without: Set(removed)) }
      group.version += 1
      group.modifiedAt = now
      state.update(group)
      publishChange(of: group, .updated, added: [], removed: removed)
      left.append(group.id)
    }
    return left
  }

  /// Adds an audit entry without personal data, because the audit trail outlives the user.
  private mutating func auditRelink(of user: UserRecord, _ reason: Relink, left: [GroupID], for command: Command) {
    var after: JSONObject = ["relink": .string(reason.rawValue), "state": .string(user.state.rawValue), "role": .string(user.role)]
    if !left.isEmpty { after["leftGroups"] = .array(left.map { .string("\($0)") }) }
    let summary: JSONObject = ["before": .object(JSONObject()), "after": .object(after)]
    audit(
      AuditRecord(
        workspace: user.key.workspace, command: command.id, at: now, actor: command.actor.rawValue, action: Self.relinkAction,
        target: "user \(user.id)", summary: String(decoding: JSON.object(summary).serialized(), as: UTF8.self)))
  }

  /// The action name in the audit trail.
  static let relinkAction = "relink-user"
}
