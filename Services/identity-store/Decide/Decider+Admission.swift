import Models
import Primitives
import SCIM

/// How an enabled user is written, after the policies of the workspace for mail domains, imported accounts and seats.
struct Admission: Sendable {
  /// The document to write.
  var document: UserDocument
  /// Whether the user is enabled; if not, the user waits for an admin.
  var isActive = true
  /// The account that the user is linked to.
  var account: AccountRecord?
  /// What waits for an admin; `nil`: nothing.
  var held: HeldChangeKind?
  /// The document with the addresses or the role that wait.
  var requested: UserDocument?

  /// The user stays disabled until an admin decides.
  static func waiting(_ document: UserDocument, for kind: HeldChangeKind) -> Admission {
    Admission(document: document.settingActive(false), isActive: false, held: kind)
  }
}

// Users wait for an admin, are refused or are linked to an account when they are enabled, or get another address or externalId.
extension Decider {
  /// Decides how an enabled user is written. It changes nothing, so it is called before the first change of a command.
  ///
  /// The checks have an order: mail domains, accounts, then seats. A user who passed the first by approval may have to wait for the next.
  ///
  /// - Parameters:
  ///   - existing: The stored user; `nil` for a new one.
  ///   - approved: The checks that an admin has decided.
  ///   - linked: The account that an admin has chosen.
  ///   - excluded: The account of a former person with this record, to which the new one is not linked.
  /// - Throws: 400 for a domain, 409 for an account, 403 for a seat, if the policy is to reject.
  func admission(
    of document: UserDocument, over existing: UserRecord?, in workspace: WorkspaceRecord, approved: Set<HeldChangeKind> = [],
    linking linked: AccountRecord? = nil, except excluded: String? = nil
  ) throws(SCIMError) -> Admission {
    if let existing, existing.state.isActiveInSCIM { return try change(of: existing, to: document, in: workspace) }
    let settings = workspace.settings
    if settings.otherDomains != .allow, !approved.contains(.otherDomain), let address = document.email,
      !settings.isVerified(address: address)
    {
      guard settings.otherDomains == .hold else { throw .otherDomain(address, in: settings) }
      return .waiting(document, for: .otherDomain)
    }
    var admission = Admission(document: document.settingActive(true), account: linked)
    guard linked == nil, existing?.accountID == nil, let match = account(matching: document, in: workspace), match.id != excluded else {
      return try seated(admission, over: existing, in: workspace, isApproved: approved.contains(.userEnabled))
    }
    switch settings.accountLinking {
    case .verifiedAddress, .externalID: admission.account = match
    case .ask: if !approved.contains(.accountMatched) { return .waiting(document, for: .accountMatched) }
    case .reject: throw .accountExists(match)
    }
    return try seated(admission, over: existing, in: workspace, isApproved: approved.contains(.userEnabled))
  }

  /// The change of a user who stays enabled. A held change of the address applies everything else.
  private func change(of existing: UserRecord, to document: UserDocument, in workspace: WorkspaceRecord) throws(SCIMError) -> Admission {
    let settings = workspace.settings
    let document = document.settingActive(true)
    let hasNewAddress = isNew(document.email, comparedWith: existing)
    if hasNewAddress, settings.otherDomains != .allow, let address = document.email, !settings.isVerified(address: address) {
      let stored = try UserDocument(openDocument: existing.document, schemas: workspace.schemas)
      let kept = document.keeping("emails", of: stored, schemas: workspace.schemas)
      // A userName is unique, so it cannot wait.
      guard settings.otherDomains == .hold, !isNew(kept.email, comparedWith: existing) else { throw .otherDomain(address, in: settings) }
      return Admission(document: kept, held: .addressChanged, requested: document)
    }
    var admission = Admission(document: document)
    let isOther = hasNewAddress || document.externalID != existing.externalID
    guard isOther, existing.accountID == nil, let match = account(matching: document, in: workspace) else { return admission }
    switch settings.accountLinking {
    case .verifiedAddress, .externalID: admission.account = match
    // The user is enabled already, without the account. An admin can link both.
    case .ask: break
    case .reject: throw .accountExists(match)
    }
    return admission
  }

  private func isNew(_ address: String?, comparedWith user: UserRecord) -> Bool {
    address.map { ComparisonKey($0).text } ?? "" != user.emailKey?.name ?? ""
  }

  /// The account that is nobody's yet and that the policy of the workspace looks for.
  func account(matching document: UserDocument, in workspace: WorkspaceRecord) -> AccountRecord? {
    func byAddress() -> AccountRecord? {
      document.email.flatMap { state.accounts.account(withEmail: NameKey(workspace: workspace.id, comparing: $0)) }
    }
    func byID() -> AccountRecord? {
      guard let key = document.externalID.map({ NameKey.account($0, in: workspace.id) }) else { return nil }
      return state.accounts.account(withExternalID: key) ?? state.accounts[key]
    }
    let found: [AccountRecord?] =
      switch workspace.settings.accountLinking {
      case .verifiedAddress: [document.email.map(workspace.settings.isVerified(address:)) == true ? byAddress() : nil]
      case .externalID: [byID()]
      case .ask, .reject: [byAddress(), byID()]
      }
    return found.compactMap { $0 }.first { $0.user == nil }
  }

  /// Links the account of an admission, and holds what waits, after the user was written.
  ///
  /// - Parameter isReplacement: Whether the identity provider sent the complete user, so that it no longer asks for an earlier change.
  mutating func settle(_ admission: Admission, of user: UserRecord, isReplacement: Bool, for command: Command) {
    if var account = admission.account {
      account.user = user.id
      state.write(account)
    }
    let held = state.heldChanges[user.key]
    guard let kind = admission.held else {
      // A PATCH of something else does not take back the attribute that waits.
      if let held, held.kind.isOfAttribute, !isReplacement { return }
      return supersedeHeldChange(of: user.key)
    }
    let requested = admission.requested?.openDocument(id: user.id.description, created: "")
    if var held, held.kind == kind,
      held.status == .pending || isEqual(held.document, requested, in: attribute(of: kind, in: user.key.workspace))
    {
      held.document = requested
      held.lastSentAt = now
      return state.write(held)
    }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: user.key, kind: kind, name: user.userName, members: nil, leaving: [],
        document: requested, requestedBy: command.actor.rawValue, heldAt: now, lastSentAt: now))
  }

  /// The attribute that waits for approval.
  private func attribute(of kind: HeldChangeKind, in workspace: WorkspaceID) -> String {
    guard kind == .roleChanged, let settings = state.workspaces[workspace]?.settings else { return "emails" }
    return settings.roleAttribute
  }

  private func isEqual(_ one: [UInt8]?, _ other: [UInt8]?, in attribute: String) -> Bool {
    func value(_ document: [UInt8]?) -> JSON? {
      guard let document else { return nil }
      do { return try UserDocument.attributes(ofOpenDocument: document)[attribute] } catch { return nil }
    }
    return value(one) == value(other)
  }
}

// An admin's decision about a user who waits.
extension Decider {
  /// Enables a user whom an admin has approved, unless a later check makes the user wait again.
  ///
  /// - Parameters:
  ///   - account: The account that the admin has chosen.
  ///   - isOther: Whether the admin says that the account that was found is another person's.
  mutating func enable(
    _ user: UserRecord, approved kind: HeldChangeKind, linking account: AccountRecord? = nil, exceptMatch isOther: Bool = false,
    in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) {
    guard !user.state.isActiveInSCIM else { return }
    let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas)
    if kind == .userEnabled { try requireSeat(in: workspace) }
    let approved: Set<HeldChangeKind> = [.otherDomain, kind]
    let excluded = isOther ? self.account(matching: document, in: workspace)?.id : nil
    let admission = try admission(
      of: document, over: user, in: workspace, approved: approved, linking: account, except: excluded)
    let written = write(admission.document, role: user.role, active: admission.isActive, over: user, linking: admission.account)
    settle(admission, of: written, isReplacement: true, for: command)
  }

  /// Gives a user the addresses that waited.
  mutating func applyAddresses(_ change: HeldChangeRecord, to user: UserRecord, in workspace: WorkspaceRecord) throws(SCIMError) {
    guard let requested = change.document else { return }
    let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas).keeping(
      "emails", of: UserDocument(openDocument: requested, schemas: workspace.schemas), schemas: workspace.schemas)
    let isActive = user.state.isActiveInSCIM
    _ = write(document.settingActive(isActive), role: user.role, active: isActive, over: user)
  }
}
