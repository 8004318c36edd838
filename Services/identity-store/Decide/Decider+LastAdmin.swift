import Models
import SCIM

// A change after which no active user has the role admin waits for approval if the change guard says so; see ``ChangeGuard/holdsLastAdmin``.
extension Decider {
  /// Whether the change guard holds what takes the role or the access of this user: the last active admin.
  func isHeldAdmin(_ user: UserRecord, in workspace: WorkspaceRecord) -> Bool {
    workspace.settings.changeGuard?.holdsLastAdmin == true && user.isAdmin && user.state == .active
      && !state.hasAdmin(otherThan: user.key)
  }

  /// The admission and the role of an enabled user: the last active admin keeps the role, and the change of it waits for approval.
  ///
  /// - Throws: 409 if another attribute waits for approval as well.
  func holdingLastAdmin(
    _ admission: Admission, role: String, of existing: UserRecord, in workspace: WorkspaceRecord
  ) throws(SCIMError) -> (admission: Admission, role: String) {
    guard role != existing.role, isHeldAdmin(existing, in: workspace) else { return (admission, role) }
    guard admission.held == nil else { throw .roleAndAddressHeld(workspace.settings.roleAttribute) }
    var admission = admission
    admission.held = .roleChanged
    admission.requested = admission.document
    admission.document = try keepingRole(of: existing, in: admission.document, workspace)
    return (admission, existing.role)
  }

  /// The document with the stored value of the role attribute.
  func keepingRole(of existing: UserRecord, in document: UserDocument, _ workspace: WorkspaceRecord) throws(SCIMError) -> UserDocument {
    let stored = try UserDocument(openDocument: existing.document, schemas: workspace.schemas)
    return document.keeping(workspace.settings.roleAttribute, of: stored, schemas: workspace.schemas)
  }

  /// Gives a user the role that waited.
  ///
  /// - Throws: 400 if the workspace no longer has the role.
  mutating func applyRole(_ change: HeldChangeRecord, to user: UserRecord, in workspace: WorkspaceRecord) throws(SCIMError) {
    guard let requested = change.document else { return }
    let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas).keeping(
      workspace.settings.roleAttribute, of: UserDocument(openDocument: requested, schemas: workspace.schemas), schemas: workspace.schemas)
    let isActive = user.state.isActiveInSCIM
    _ = write(document.settingActive(isActive), role: try role(of: document, in: workspace), active: isActive, over: user)
  }
}

extension SCIMError {
  fileprivate static func roleAndAddressHeld(_ roleAttribute: String) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: """
        The request changes \(roleAttribute) of the last active admin and gives the user an address in another domain. Both would wait for \
        the approval of an admin, but only one change of a user can. Nothing was changed. Send the changes in two requests, and have the first \
        approved before the second.
        """)
  }
}
