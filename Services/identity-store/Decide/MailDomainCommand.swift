import Foundation
import Models
import SCIM

/// Adds, verifies or removes a mail domain.
extension MailDomainChange: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.mailDomains.insert(domain)
    writeSet.lockedWorkspaces.insert(command.workspace)
    writeSet.exclusive.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.changeMailDomain(self, of: workspace)
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { "mail domain \(domain)" }
}

extension Decider {
  fileprivate mutating func changeMailDomain(_ change: MailDomainChange, of workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    guard HostName(change.domain)?.text == change.domain else { throw .invalidDomain(change.domain) }
    var domains = workspace.settings.mailDomains
    let index = domains.firstIndex { $0.domain == change.domain }
    switch change.action {
    case .add:
      guard index == nil else { return .done }
      guard let token = change.token, (16...128).contains(token.utf8.count),
        token.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
      else { throw .badRequest(.invalidValue, "The token of a mail domain has 16 to 128 letters and digits.") }
      domains.append(MailDomain(domain: change.domain, verification: .dns(token: token)))
    case .verify:
      guard let index else { throw .mailDomainNotFound(change.domain) }
      guard domains[index].verifiedAt == nil else { return .done }
      guard case .dns(let token) = domains[index].verification, token == change.token else {
        throw SCIMError(
          status: 409, scimType: nil,
          detail: "The domain '\(change.domain)' has another token than the TXT record. Read the domain again, and publish its record.")
      }
      try checkOwner(of: change.domain, becoming: workspace.id)
      domains[index].verifiedAt = now
    case .assert:
      try checkOwner(of: change.domain, becoming: workspace.id)
      if let index {
        guard domains[index].verifiedAt == nil else { return .done }
        domains[index] = MailDomain(domain: change.domain, verification: .operator, verifiedAt: now)
      } else {
        domains.append(MailDomain(domain: change.domain, verification: .operator, verifiedAt: now))
      }
    case .remove:
      guard let index else { throw .mailDomainNotFound(change.domain) }
      domains.remove(at: index)
    }
    var workspace = workspace
    workspace.settings.mailDomains = domains
    try checkMailDomainCount(workspace.settings)
    try checkOtherDomains(workspace.settings)
    workspace.version += 1
    workspace.modifiedAt = now
    write(workspace)
    return .done
  }

  /// - Throws: 409 if the domain is verified in another workspace.
  private func checkOwner(of domain: String, becoming workspace: WorkspaceID) throws(SCIMError) {
    if let owner = state.mailDomainOwners[domain], owner != workspace { throw .mailDomainTaken(domain) }
  }

  private func checkMailDomainCount(_ settings: WorkspaceSettings) throws(SCIMError) {
    guard settings.mailDomains.count <= MailDomain.maximumCount else {
      throw .badRequest(.tooMany, "A workspace has at most \(MailDomain.maximumCount) mail domains. Remove one first.")
    }
  }

  /// Checks the policy for other domains: without a verified domain, nobody could be invited.
  ///
  /// - Throws: 400.
  func checkOtherDomains(_ settings: WorkspaceSettings) throws(SCIMError) {
    guard settings.otherDomains == .allow || !settings.verifiedDomains.isEmpty else {
      throw .badRequest(
        .invalidValue,
        """
        The policy for other mail domains is '\(settings.otherDomains.rawValue)', which needs a verified domain. Verify one first, or set the \
        policy to 'allow' before you remove the last one.
        """)
    }
  }

  /// Checks the mail domains of a new workspace, which only the operator can assert.
  ///
  /// - Parameter allowsUnverified: Whether domains may wait for their verification by DNS, as those from another deployment do.
  /// - Throws: 400 if one is malformed, unverified, or listed twice; 409 if it is verified elsewhere.
  func checkMailDomains(
    ofNew settings: WorkspaceSettings, in workspace: WorkspaceID, allowsUnverified: Bool = false
  ) throws(SCIMError) {
    try checkMailDomainCount(settings)
    try checkOtherDomains(settings)
    var known: Set<String> = []
    for domain in settings.mailDomains {
      guard HostName(domain.domain)?.text == domain.domain else { throw .invalidDomain(domain.domain) }
      guard known.insert(domain.domain).inserted else {
        throw .badRequest(.invalidValue, "The mail domain '\(domain.domain)' is listed twice.")
      }
      if allowsUnverified, domain.verification != .operator, domain.verifiedAt == nil { continue }
      guard domain.verification == .operator, domain.verifiedAt != nil else {
        throw .badRequest(
          .invalidValue, "The mail domain '\(domain.domain)' is to be verified by DNS: add it once the workspace exists.")
      }
      try checkOwner(of: domain.domain, becoming: workspace)
    }
  }
}

extension SCIMError {
  fileprivate static func mailDomainNotFound(_ domain: String) -> SCIMError {
    SCIMError(
      status: 404, scimType: nil,
      detail: "The workspace has no mail domain '\(domain)'. Add it first: POST …/mail-domains, which returns the TXT record.")
  }

  /// It does not name the other workspace, which may be another customer's.
  fileprivate static func mailDomainTaken(_ domain: String) -> SCIMError {
    SCIMError(
      status: 409, scimType: .uniqueness,
      detail: """
        The mail domain '\(domain)' is verified in another workspace. A domain belongs to one workspace: remove it there first, or ask the \
        operator of the product to.
        """)
  }

  /// The address of a user is in no verified domain.
  static func otherDomain(_ address: String, in settings: WorkspaceSettings) -> SCIMError {
    let domains = settings.verifiedDomains
    let rest = domains.count > 20 ? " and \(domains.count - 20) more" : ""
    return .badRequest(
      .invalidValue,
      """
      emails: the address '\(address.truncated(to: 200))' is in none of the workspace's verified domains: \
      \(domains.prefix(20).joined(separator: ", "))\(rest). Give the user an address in one of them, or have an admin verify the domain.
      """)
  }
}
