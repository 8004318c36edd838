import Models
import SCIM

// A PUT or PATCH that sets `active` to false always disables the user: what of it can't be applied keeps its stored value, and the reply
// lists it. Only a version that does not match, and the workspace's change guard, keep the user enabled.
extension Decider {
  mutating func replaceDisabling(_ read: ReadCommand, _ json: JSON, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let existing = try user(read.key, named: json.object?.value(forAttribute: "userName")?.string)
    try read.command.checkVersion(existing.version, of: "user")
    let stored = try UserDocument(openDocument: existing.document, schemas: workspace.schemas)
    let (document, unapplied) = stored.partiallyReplaced(by: json, schemas: workspace.schemas)
    return disable(existing, as: document, keeping: stored, unapplied, in: workspace, for: read)
  }

  /// - Parameter stored: The user as the identity provider has left them.
  mutating func disable(
    _ existing: UserRecord, by patch: Patch, over stored: UserDocument, in workspace: WorkspaceRecord, for read: ReadCommand
  ) -> Reply.Outcome {
    let (document, unapplied) = patch.partiallyApplied(to: stored, schemas: workspace.schemas)
    return disable(existing, as: document, keeping: stored, unapplied, in: workspace, for: read)
  }

  private mutating func disable(
    _ existing: UserRecord, as described: UserDocument, keeping stored: UserDocument, _ unapplied: [UnappliedChange],
    in workspace: WorkspaceRecord, for read: ReadCommand
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
    let isHeld = waitsForApproval(.userDisabled, of: existing, in: workspace, for: read)
    var result = write(document.settingActive(isHeld), role: role, active: isHeld, over: existing).stored
    result.unapplied = UnappliedChange.summary(of: unapplied)?.serialized()
    return .resource(result, created: false)
  }
}
