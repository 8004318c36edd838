import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

/// Creates a workspace.
struct CreateWorkspace: DecidableCommand {
  let settings: WorkspaceSettings

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insert(settings, of: command.workspace)
  }

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.createWorkspace(command, settings)
  }
}

/// Replaces the settings of a workspace.
struct UpdateWorkspace: WorkspaceBoundCommand {
  let settings: WorkspaceSettings

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insert(settings, of: command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.updateWorkspace(command, workspace, settings)
  }
}

extension WriteSet {
  /// Adds what new settings touch: the slug, the domains and the roles.
  mutating func insert(_ settings: WorkspaceSettings, of workspace: WorkspaceID) {
    slugs.insert(settings.slug)
    domains.formUnion(settings.customDomains)
    if settings.seats != nil { limitingSeats.insert(workspace) }
    mailDomains.formUnion(settings.mailDomains.map(\.domain))
    keptRoles[workspace] = keptRoles[workspace]?.intersection(settings.customRoles) ?? Set(settings.customRoles)
  }
}

extension Decider {
  fileprivate mutating func createWorkspace(_ command: Command, _ settings: WorkspaceSettings) throws(SCIMError) -> Reply.Outcome {
    try check(settings)
    guard state.workspaces[command.workspace] == nil else {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "Workspace \(command.workspace) already exists.")
    }
    if let namesake = state.workspace(withSlug: settings.slug) { throw .slugTaken(settings.slug, by: namesake.id) }
    try checkDomains(settings, of: command.workspace)
    try checkMailDomains(ofNew: settings, in: command.workspace)
    var settings = settings
    settings.deletion = nil
    write(
      WorkspaceRecord(id: command.workspace, settings: settings, version: 1, createdAt: now, modifiedAt: now))
    return .done
  }

  fileprivate mutating func updateWorkspace(
    _ command: Command, _ workspace: WorkspaceRecord, _ settings: WorkspaceSettings
  ) throws(SCIMError) -> Reply.Outcome {
    if let expected = command.expectedVersions, !expected.contains(workspace.version) {
      throw .workspaceChanged(workspace.settings.slug, version: workspace.version)
    }
    try checkRoles(of: workspace, becoming: settings)
    try check(settings)
    try checkDomains(settings, of: workspace.id)
    if let namesake = state.workspace(withSlug: settings.slug), namesake.id != workspace.id {
      throw .slugTaken(settings.slug, by: namesake.id)
    }
    var settings = settings
    settings.mailDomains = workspace.settings.mailDomains
    settings.deletion = workspace.settings.deletion
    try checkOtherDomains(settings)
    guard settings != workspace.settings else { return .done }
    var workspace = workspace
    workspace.settings = settings
    workspace.version += 1
    workspace.modifiedAt = now
    write(workspace)
    return .done
  }

  /// Checks the settings of a workspace from another deployment.
  ///
  /// - Throws: 400 if a setting is invalid here; 409 if the slug or a domain belongs to another workspace.
  func checkImported(_ settings: WorkspaceSettings, as id: WorkspaceID) throws(SCIMError) {
    try check(settings)
    if let namesake = state.workspace(withSlug: settings.slug), namesake.id != id { throw .slugTaken(settings.slug, by: namesake.id) }
    try checkDomains(settings, of: id)
    try checkMailDomains(ofNew: settings, in: id, allowsUnverified: true)
  }

  /// Creates the workspace of a file.
  mutating func importWorkspace(_ content: WorkspaceRecordLine.WorkspaceContent, as id: WorkspaceID) throws(SCIMError) {
    guard state.workspaces[id] == nil else {
      throw SCIMError(status: 409, scimType: .uniqueness, detail: "Workspace \(id) already exists.")
    }
    try checkImported(content.settings, as: id)
    var settings = content.settings
    settings.deletion = nil
    write(WorkspaceRecord(id: id, settings: settings, version: 1, createdAt: content.createdAt, modifiedAt: content.modifiedAt))
  }

  private func check(_ settings: WorkspaceSettings) throws(SCIMError) {
    try Self.checkText(settings, "The settings", maximum: Self.maximumSettingsSize)
    let slug = settings.slug
    let allowedCharacters = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
    guard !slug.isEmpty, slug.count <= 63, slug.allSatisfy(allowedCharacters.contains), !slug.hasPrefix("-"), !slug.hasSuffix("-") else {
      throw SCIMError(
        status: 400, scimType: .invalidValue,
        detail: "'\(slug.prefix(80))' is not a valid slug: use 1 to 63 lower-case letters, digits and inner dashes.")
    }
    guard settings.role(named: settings.defaultRole) == settings.defaultRole else { throw .unknownRole(settings.defaultRole, in: settings) }
    guard !settings.roleAttribute.isEmpty, settings.roleAttribute.utf8.count <= 100,
      settings.roleAttribute.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else {
      throw SCIMError(
        status: 400, scimType: .invalidValue,
        detail:
          "'\(settings.roleAttribute.prefix(80))' is not an attribute name: use 1 to 100 letters, digits and underscores (RFC 7643 §2.1).")
    }
    if let fault = settings.changeGuard?.fault {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "The change guard is invalid: \(fault).")
    }
    if let fault = settings.seats?.fault {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "The seat limit is invalid: \(fault).")
    }
    try checkNames(settings)
    try settings.invitations.check()
    try settings.checkExtensions()
    if let language = settings.adminLanguage, !LanguageTag.isValid(language) {
      throw .badRequest(
        .invalidValue, "'\(language.prefix(40))' is not a language for mails to administrators: use a tag (BCP 47) such as de or pt-BR.")
    }
    if let fault = settings.invitations.branding.fault {
      throw SCIMError(status: 400, scimType: .invalidValue, detail: "The invitation branding is invalid: \(fault).")
    }
  }

  /// The maximum size of settings in bytes of JSON. They are sent in events and cached by every process.
  private static let maximumSettingsSize = 512 << 10

  /// Refuses text that PostgreSQL cannot store (U+0000), and values that are too large. Either would fail the batch.
  ///
  /// - Parameters:
  ///   - name: The subject of the error message.
  ///   - maximum: The maximum size in bytes of JSON.
  static func checkText(_ value: some Encodable, _ name: String, maximum: Int) throws(SCIMError) {
    let bytes: [UInt8]
    do {
      bytes = try JSONData.encode(value)
      _ = try JSON(parsing: bytes)
    } catch {
      throw .badRequest(.invalidValue, "\(name) cannot be stored: \(error)")
    }
    guard bytes.count <= maximum else {
      throw .badRequest(.invalidValue, "\(name): at most \(maximum >> 10) kB are stored, found \(bytes.count) bytes.")
    }
  }

  private func checkNames(_ settings: WorkspaceSettings) throws(SCIMError) {
    guard !settings.name.allSatisfy(\.isWhitespace), settings.name.count <= 200, settings.name.utf8.count <= TextBounds.name else {
      throw .badRequest(.invalidValue, "A workspace's name has 1 to 200 characters, and at most \(TextBounds.name) bytes of UTF-8.")
    }
    guard settings.signInURL.utf8.count <= TextBounds.text else {
      throw .badRequest(
        .invalidValue, "The sign-in URL has at most \(TextBounds.text) bytes; found \(settings.signInURL.utf8.count).")
    }
    guard let url = URL(string: settings.signInURL), ["https", "http"].contains(url.scheme?.lowercased()), url.host?.isEmpty == false else {
      throw .badRequest(
        .invalidValue, "'\(settings.signInURL.prefix(200))' is not a sign-in URL such as https://app.example.com/sign-in.")
    }
    guard settings.customRoles.count <= Self.maximumRoles else {
      throw .badRequest(
        .invalidValue, "A workspace can have at most \(Self.maximumRoles) custom roles; found \(settings.customRoles.count).")
    }
    var known = Set(WorkspaceSettings.builtInRoles)
    for role in settings.customRoles {
      guard !ComparisonKey(role).isEmpty, role.count <= 100, role.utf8.count <= TextBounds.name else {
        throw .badRequest(.invalidValue, "A role's name has 1 to 100 characters, and at most \(TextBounds.name) bytes of UTF-8.")
      }
      guard known.insert(ComparisonKey(role).text).inserted else {
        throw .badRequest(
          .invalidValue,
          """
          The role '\(role)' is listed twice; roles are compared without case, and every workspace has \
          \(WorkspaceSettings.builtInRoles.joined(separator: ", ")).
          """
        )
      }
    }
  }

  private static let maximumRoles = 100
  private static let maximumDomains = 20

  private func checkDomains(_ settings: WorkspaceSettings, of workspace: WorkspaceID) throws(SCIMError) {
    guard settings.customDomains.count <= Self.maximumDomains else {
      throw .badRequest(
        .invalidValue, "A workspace can have at most \(Self.maximumDomains) domains; found \(settings.customDomains.count).")
    }
    guard Set(settings.customDomains).count == settings.customDomains.count else {
      throw .badRequest(.invalidValue, "A domain is listed twice: \(settings.customDomains.joined(separator: ", ").prefix(500)).")
    }
    for domain in settings.customDomains {
      guard HostName(domain)?.text == domain else { throw .invalidDomain(domain) }
      if let owner = state.domains[domain], owner != workspace {
        throw .domainTaken(domain, by: owner, slug: state.workspaces[owner]?.settings.slug ?? state.domainOwnerSlugs[owner])
      }
    }
  }

  /// - Throws: 400 if a role is removed that is the default or that users have.
  private func checkRoles(of workspace: WorkspaceRecord, becoming settings: WorkspaceSettings) throws(SCIMError) {
    for role in workspace.settings.customRoles where !settings.customRoles.contains(role) {
      guard settings.defaultRole != role else { throw .defaultRoleRemoved(role) }
      let users = state.users(in: role, of: workspace.id)
      guard users == 0 else { throw .roleInUse(role, users: users) }
    }
  }

  mutating func write(_ workspace: WorkspaceRecord) {
    state.write(workspace)
    publish(
      .workspaceChanged(
        WorkspaceChanged(workspace: workspace.id, settings: workspace.settings, version: workspace.version, changedAt: now)))
  }
}
