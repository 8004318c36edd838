import EdgeHTTP
import Models

/// An option of a group of radio buttons, with what it means.
struct ExplainedOption: Sendable, Equatable {
  var value: String
  var name: String
  var meaning: String
  var isChosen: Bool
}

/// The form for people with addresses in other domains.
struct OtherDomainsSection: SettingsSection {
  var problem: String?
  var otherDomains: String
  var otherDomainsError: String?

  init(of settings: WorkspaceSettings) {
    otherDomains = settings.otherDomains.rawValue
  }

  init(_ form: Form) {
    otherDomains = form["otherDomains"] ?? ""
  }

  var options: [ExplainedOption] {
    OtherDomains.allCases.map { each in
      ExplainedOption(
        value: each.rawValue, name: Self.name(of: each), meaning: Self.meaning(of: each), isChosen: each.rawValue == otherDomains)
    }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    guard let chosen = OtherDomains(rawValue: otherDomains) else {
      otherDomainsError = "Choose one of the options."
      return nil
    }
    guard chosen == .allow || !settings.verifiedDomains.isEmpty else {
      otherDomainsError = "The workspace has no verified domain, so nobody could be invited. Verify a domain first."
      return nil
    }
    var settings = settings
    settings.otherDomains = chosen
    return settings
  }

  private static func name(of policy: OtherDomains) -> String {
    switch policy {
    case .allow: "Allow them"
    case .hold: "Hold them"
    case .reject: "Reject them"
    }
  }

  private static func meaning(of policy: OtherDomains) -> String {
    switch policy {
    case .allow: "They are invited like everybody else."
    case .hold: "New people stay disabled, and changed addresses are not applied, until an admin approves them under Held changes."
    case .reject: "The identity provider gets an error that lists the verified domains, and nothing is changed."
    }
  }
}

/// The form for how people are linked to existing accounts.
struct AccountLinkingSection: SettingsSection {
  var problem: String?
  var accountLinking: String
  var accountLinkingError: String?

  init(of settings: WorkspaceSettings) {
    accountLinking = settings.accountLinking.rawValue
  }

  init(_ form: Form) {
    accountLinking = form["accountLinking"] ?? ""
  }

  var options: [ExplainedOption] {
    AccountLinking.allCases.map { each in
      ExplainedOption(
        value: each.rawValue, name: Self.name(of: each), meaning: Self.meaning(of: each), isChosen: each.rawValue == accountLinking)
    }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    guard let chosen = AccountLinking(rawValue: accountLinking) else {
      accountLinkingError = "Choose one of the options."
      return nil
    }
    var settings = settings
    settings.accountLinking = chosen
    return settings
  }

  private static func name(of policy: AccountLinking) -> String {
    switch policy {
    case .verifiedAddress: "By verified address"
    case .externalID: "By externalId"
    case .ask: "Ask an admin"
    case .reject: "Reject them"
    }
  }

  private static func meaning(of policy: AccountLinking) -> String {
    switch policy {
    case .verifiedAddress: "A person gets the account with the same address, if its domain is verified."
    case .externalID: "A person gets the account whose id, or external id, the identity provider sends as externalId."
    case .ask: "A person with the address or externalId of an account stays disabled until an admin decides under Accounts."
    case .reject: "The identity provider gets an error that names the account."
    }
  }
}

/// The form for the last administrator of the workspace.
struct LastAdminSection: SettingsSection {
  var problem: String?
  var holdsLastAdmin: Bool
  /// The address that is mailed when changes are held; empty without a change guard.
  var notify: String
  var notifyError: String?

  init(of settings: WorkspaceSettings) {
    holdsLastAdmin = settings.changeGuard?.holdsLastAdmin ?? false
    notify = settings.changeGuard?.notify ?? ""
  }

  init(_ form: Form) {
    holdsLastAdmin = form["holdsLastAdmin"] == "on"
    notify = form["notify"] ?? ""
  }

  /// The settings with this rule of the change guard. Its other rules stay; a guard without any rule is removed.
  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    var changeGuard = settings.changeGuard ?? ChangeGuard(notify: notify)
    changeGuard.holdsLastAdmin = holdsLastAdmin
    changeGuard.notify = notify
    var settings = settings
    guard holdsLastAdmin || changeGuard.maximumShrink != nil || changeGuard.maximumDeactivations != nil else {
      settings.changeGuard = nil
      return settings
    }
    guard !notify.isEmpty else {
      notifyError = "Enter the address that is mailed when a change is held."
      return nil
    }
    guard changeGuard.fault == nil, notify.utf8.count <= 320 else {
      notifyError = "Enter an email address, such as it@example.com."
      return nil
    }
    settings.changeGuard = changeGuard
    return settings
  }
}
