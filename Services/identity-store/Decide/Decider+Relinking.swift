import Models
import SCIM

// A POST that finds the record of someone who is disabled; see ``WorkspaceSettings/RelinkPolicy``.
extension Decider {
  /// Gives `document` the id of `existing`, as far as the workspace's policy lets it.
  ///
  /// - Throws: 409 that names the user and what to do, where the policy is `never`.
  mutating func relink(
    _ document: UserDocument, role: String, to existing: UserRecord, _ reason: Relink, in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) -> Reply.Outcome {
    guard workspace.settings.relink != .never else { throw .relinkRefused(document.userName, to: existing) }
    try document.checkBounds(replacing: existing.document, schemas: workspace.schemas)
    supersedeHeldChange(of: existing.key)
    var former = existing
    var left: [GroupID] = []
    if reason == .reassigned {
      left = leaveAllGroups(former.key, in: workspace)
      former = reset(former, in: workspace)
    }
    let user = write(document.settingActive(document.active), role: role, active: document.active, over: former)
    auditRelink(of: user, reason, left: left, for: command)
    var stored = user.stored
    stored.relink = reason
    return .resource(stored, created: true)
  }

  /// What is left of a record whose userName was given to somebody else: a disabled user who has never signed in.
  ///
  /// A sign-in from before anybody was provisioned counts for the new person only under an address that the former one did not have.
  private mutating func reset(_ existing: UserRecord, in workspace: WorkspaceRecord) -> UserRecord {
    var user = existing
    let former = [user.userName, user.email].compactMap { $0 }.flatMap { NameKey.forms(of: $0, in: user.key.workspace) }
    for key in former where state.earlySignIns[key] != nil { state.useSignIn(key) }
    if user.state.isActiveInSCIM {
      // The deactivation waited for approval. The product ends the former person's sessions before it hears of the new one.
      if workspace.settings.changeGuard?.maximumDeactivations != nil { state.countDeactivation(of: user.key) }
      user.state = .disabled
      user.version += 1
      user.modifiedAt = now
      state.update(user)
      publishChange(of: user, .disabled)
    }
    user.firstSignedInAt = nil
    return user
  }

  /// Takes a user out of every group that they are in. The workspace's guard counts them among those who leave, and never has them stay: their
  /// place is not the new person's.
  private mutating func leaveAllGroups(_ user: ResourceKey, in workspace: WorkspaceRecord) -> [GroupID] {
    var left: [GroupID] = []
    for key in state.groups(of: user) {
      guard var group = state.groups[key], let before = state.members[key] else { continue }
      let removed = state.withMembers(of: key) { $0.remove([user.id.user]) }
      guard !removed.isEmpty else { continue }
      if workspace.settings.changeGuard?.maximumShrink != nil {
        state.countDepartures(removed.count, from: key, before: state.departures(from: key, of: before))
      }
      if let held = state.heldChanges[key], held.status == .pending { keepHeld(held, without: Set(removed)) }
      group.version += 1
      group.modifiedAt = now
      state.update(group)
      publishChange(of: group, .updated, added: [], removed: removed)
      left.append(group.id)
    }
    return left
  }

  /// Without personal data: the trail outlives the user.
  private mutating func auditRelink(of user: UserRecord, _ reason: Relink, left: [GroupID], for command: Command) {
    var after: JSONObject = ["relink": .string(reason.rawValue), "state": .string(user.state.rawValue), "role": .string(user.role)]
    if !left.isEmpty { after["leftGroups"] = .array(left.map { .string("\($0)") }) }
    let summary: JSONObject = ["before": .object(JSONObject()), "after": .object(after)]
    audit(
      AuditRecord(
        workspace: user.key.workspace, command: command.id, at: now, actor: command.actor.rawValue, action: Self.relinkAction,
        target: "user \(user.id)", summary: String(decoding: JSON.object(summary).serialized(), as: UTF8.self)))
  }

  /// What the audit trail calls the reuse of a disabled user's record.
  static let relinkAction = "relink-user"
}
