import Models
import SCIM

// A PUT or PATCH that sets `active` to false always disables the user. Attributes that cannot be applied keep their stored values and are
// listed in the reply. Only a version mismatch or the change guard keeps the user enabled.
extension Decider {
  /// Disables a user by a PUT.
  mutating func replaceDisabling(_ command: Command, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let existing = try user(command.key, named: json.object?.value(forAttribute: "userName")?.string)
    try command.checkVersion(existing.version, of: "user")
    let stored = try UserDocument(openDocument: existing.document, schemas: workspace.schemas)
    let (document, unapplied) = stored.partiallyReplaced(by: json, schemas: workspace.schemas)
    return disable(existing, as: document, keeping: stored, unapplied, in: workspace, for: command)
  }

  /// Disables a user by a PATCH.
  ///
  /// - Parameter stored: The stored document, as the identity provider sees it.
  mutating func disable(
    _ existing: UserRecord, by patch: Patch, over stored: UserDocument, in workspace: WorkspaceRecord, for command: Command
  ) -> Reply.Outcome {
    let (document, unapplied) = patch.partiallyApplied(to: stored, schemas: workspace.schemas)
    return disable(existing, as: document, keeping: stored, unapplied, in: workspace, for: command)
  }

  private mutating func disable(
    _ existing: UserRecord, as described: UserDocument, keeping stored: UserDocument, _ unapplied: [UnappliedChange],
    in workspace: WorkspaceRecord, for command: Command
  ) -> Reply.Outcome {
    let (bounded, beyond) = described.withinBounds(replacing: stored, schemas: workspace.schemas)
    var document = bounded
    var unapplied = unapplied + beyond
    var role = existing.role
    do throws(SCIMError) {
      role = try self.role(of: document, in: workspace)
    } catch {
      document = document.keeping(workspace.settings.roleAttribute, of: stored, schemas: workspace.schemas)
      unapplied.append(UnappliedChange(path: workspace.settings.roleAttribute, detail: error.detail))
    }
    if let namesake = namesake(of: document, other: existing, in: workspace) {
      unapplied.append(
        UnappliedChange(path: "userName", detail: SCIMError.userNameTaken(document.userName, by: namesake).detail))
      document = document.keeping("userName", of: stored, schemas: workspace.schemas)
    }
    // A user who waits to be enabled no longer does.
    if !existing.state.isActiveInSCIM { supersedeHeldChange(of: existing.key) }
    let isHeld = waitsForApproval(.userDisabled, of: existing, in: workspace, for: command)
    if isHeld, role != existing.role, isHeldAdmin(existing, in: workspace) {
      // The role would take effect at once.
      role = existing.role
      document = document.keeping(workspace.settings.roleAttribute, of: stored, schemas: workspace.schemas)
      unapplied.append(
        UnappliedChange(
          path: workspace.settings.roleAttribute, detail: "The last active admin keeps the role until an admin approves the deactivation."))
    }
    var result = write(document.settingActive(isHeld), role: role, active: isHeld, over: existing).stored
    result.unapplied = UnappliedChange.summary(of: unapplied)?.serialized()
    return .resource(result, created: false)
  }
}
