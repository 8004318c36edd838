import Foundation
import Models
import SCIM

// Imported accounts and their links to users.
extension Decider {
  /// Applies a chunk of an import. ``AccountImportRunner`` has validated the import as a whole, so that conflicts are exceptions.
  ///
  /// - Throws: 409 if a line conflicts with another account. Nothing of the chunk is applied then.
  mutating func apply(_ chunk: AccountChunk, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    for line in chunk.lines { try check(line, in: workspace.id) }
    let key = ResourceKey(workspace: workspace.id, id: ResourceID(chunk.importID.uuid))
    var users = LinkableUsers(in: state, of: workspace.id)
    var linked = 0
    for line in chunk.lines where line.account.state == .deleted { removeAccount(line.account.id, in: workspace) }
    for line in chunk.lines where line.account.state != .deleted {
      var record = account(line.account, in: workspace.id)
      if record.user == nil, let user = users.take(for: record, by: workspace.settings), let current = state.users[user] {
        record.user = current.id
        link(current, to: record)
        linked += 1
      }
      state.write(record)
    }
    state.advance(key, to: chunk.lines.map(\.number).max() ?? 0, linked: linked)
    return .done
  }

  private func check(_ line: AccountStaging.Line, in workspace: WorkspaceID) throws(SCIMError) {
    let account = line.account
    guard account.state != .deleted else { return }
    let email = NameKey(workspace: workspace, comparing: account.email)
    let namesakes = [
      ("email", state.accounts.account(withEmail: email)),
      ("externalId", account.externalID.flatMap { state.accounts.account(withExternalID: .account($0, in: workspace)) }),
    ]
    for case (let attribute, let other?) in namesakes where other.id != account.id {
      let detail = AccountConflict.detail(account: account.id, attribute: attribute, other: other.id)
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "Line \(line.number): \(detail)")
    }
  }

  /// The row of an imported account, with the link that it has.
  private func account(_ account: ImportedAccount, in workspace: WorkspaceID) -> AccountRecord {
    let key = NameKey.account(account.id, in: workspace)
    return AccountRecord(
      key: key, email: account.email, externalID: account.externalID, state: account.state, user: state.accounts[key]?.user,
      importedAt: now)
  }

  private mutating func removeAccount(_ id: String, in workspace: WorkspaceRecord) {
    let key = NameKey.account(id, in: workspace.id)
    guard let account = state.accounts[key] else { return }
    if let user = account.user, let record = state.users[ResourceKey(workspace: workspace.id, id: user.resource)] {
      write(record, accountID: nil)
    }
    state.deleteAccount(key)
  }

  /// Links an existing user: an invited one becomes active. The caller writes the account.
  private mutating func link(_ user: UserRecord, to account: AccountRecord) {
    write(user, accountID: account.id)
  }

  /// Writes another account id of a user, and publishes the change.
  private mutating func write(_ existing: UserRecord, accountID: String?) {
    var user = existing
    user.accountID = accountID
    guard user != existing else { return }
    var change = UserChanged.Change.updated
    if accountID != nil, user.state == .invited {
      user.state = .active
      change = .activated
    }
    user.version += 1
    user.modifiedAt = now
    state.update(user)
    publishChange(of: user, change)
  }

  /// Removes the link of a user who is deleted, or whose name was given to another person.
  mutating func unlink(_ user: UserRecord) {
    guard let id = user.accountID else { return }
    state.unlinkAccount(.account(id, in: user.key.workspace), from: user.id)
  }
}

// Decisions of an admin.
extension Decider {
  /// Links a user to the account that an admin has chosen. A user who waits for this is enabled.
  mutating func link(_ command: Command, to id: String, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let user = try user(command.key, named: nil)
    guard var account = state.accounts[.account(id, in: workspace.id)] else { throw .accountNotFound(id) }
    if account.user == user.id { return .done }
    if let other = account.user { throw .accountLinked(account, to: other) }
    if let present = user.accountID { throw .userLinked(user, to: present) }
    if let held = state.heldChanges[user.key], held.kind == .accountMatched {
      try decideMatch(held, of: user, .approved, linking: account, in: workspace, for: command)
      return .done
    }
    link(user, to: account)
    account.user = user.id
    state.write(account)
    return .done
  }

  /// Removes the link of a user; or enables a user who waits, without the account.
  mutating func unlink(_ command: Command, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let user = try user(command.key, named: nil)
    if user.accountID != nil {
      unlink(user)
      write(user, accountID: nil)
      return .done
    }
    guard let held = state.heldChanges[user.key], held.kind == .accountMatched else { throw .userNotLinked(user) }
    try decideMatch(held, of: user, .rejected, linking: nil, in: workspace, for: command)
    return .done
  }

  private mutating func decideMatch(
    _ held: HeldChangeRecord, of user: UserRecord, _ status: HeldChangeRecord.Status, linking account: AccountRecord?,
    in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) {
    try enable(user, approved: .accountMatched, linking: account, exceptMatch: account == nil, in: workspace, for: command)
    var held = held
    held.status = status
    held.isCurrent = false
    held.decidedBy = command.actor.rawValue
    held.decidedAt = now
    state.write(held)
  }
}

/// The loaded users of a workspace who have no account yet, by what the policy compares.
private struct LinkableUsers {
  private var byEmail: [NameKey: ResourceKey] = [:]
  private var byExternalID: [String: ResourceKey] = [:]

  init(in state: WorkingSet, of workspace: WorkspaceID) {
    for user in state.users.values.sorted(by: { $0.key < $1.key }) where user.key.workspace == workspace && user.accountID == nil {
      if let key = user.emailKey, byEmail[key] == nil { byEmail[key] = user.key }
      if let id = user.externalID, byExternalID[id] == nil { byExternalID[id] = user.key }
    }
  }

  /// The user whom the policy links to an account; each is returned once. Users who exist are linked only without anybody's decision.
  mutating func take(for account: AccountRecord, by settings: WorkspaceSettings) -> ResourceKey? {
    switch settings.accountLinking {
    case .verifiedAddress:
      guard settings.isVerified(address: account.email) else { return nil }
      return byEmail.removeValue(forKey: account.emailKey)
    case .externalID:
      if let id = account.externalID, let user = byExternalID.removeValue(forKey: id) { return user }
      return byExternalID.removeValue(forKey: account.id)
    case .ask, .reject: return nil
    }
  }
}

extension SCIMError {
  fileprivate static func accountNotFound(_ id: String) -> SCIMError {
    SCIMError(
      status: 404, scimType: nil,
      detail: "The workspace has no imported account '\(id.truncated(to: 200))'. GET …/accounts lists them.")
  }

  fileprivate static func accountLinked(_ account: AccountRecord, to user: UserID) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: "The account '\(account.id.truncated(to: 200))' is linked to the user \(user). Remove that link first.")
  }

  fileprivate static func userLinked(_ user: UserRecord, to account: String) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: "The user \(user.id) is linked to the account '\(account.truncated(to: 200))'. Remove that link first.")
  }

  fileprivate static func userNotLinked(_ user: UserRecord) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil, detail: "The user \(user.id) is linked to no account, and waits for no decision about one.")
  }

  /// 409 for a user who has the address or `externalId` of an imported account.
  static func accountExists(_ account: AccountRecord) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: """
        The product has an account '\(account.id.truncated(to: 200))' with the address '\(account.email.truncated(to: 200))' or the \
        externalId of this user, and the workspace's policy is to refuse such users. If both are one person, set the policy for accounts to \
        'ask' or 'verified-address', and assign the user again.
        """)
  }
}
