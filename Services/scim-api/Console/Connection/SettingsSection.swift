import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives

/// A part of a workspace's settings as a form shows it, with what is wrong with what was entered.
protocol SettingsSection: Sendable, Equatable {
  /// Why the store, or a change that came before, refused what was entered.
  var problem: String? { get set }

  init(of settings: WorkspaceSettings)
  /// What was entered.
  init(_ form: Form)

  /// The settings with what was entered; nil where something in it is wrong, which is noted then.
  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings?
}

/// One of several that can be chosen.
struct FormOption: Sendable, Equatable {
  var value: String
  var name: String
  var isChosen: Bool
}

/// How the identity provider's requests are read.
struct ProfileSection: SettingsSection {
  var problem: String?
  var profile: String
  var roleAttribute: String
  var wrongRoleAttribute: String?

  init(of settings: WorkspaceSettings) {
    profile = settings.connectionProfile.rawValue
    roleAttribute = settings.roleAttribute
  }

  init(_ form: Form) {
    profile = form["profile"] ?? ""
    roleAttribute = form["roleAttribute"] ?? ""
  }

  var profiles: [FormOption] {
    WorkspaceSettings.ConnectionProfile.allCases.map { each in
      FormOption(value: each.rawValue, name: Self.name(of: each), isChosen: each.rawValue == profile)
    }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    guard let chosen = WorkspaceSettings.ConnectionProfile(rawValue: profile) else {
      problem = "Choose one of the profiles."
      return nil
    }
    guard !roleAttribute.isEmpty, roleAttribute.count <= 100,
      roleAttribute.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else {
      wrongRoleAttribute = "Letters, digits and underscores, such as secodaRole."
      return nil
    }
    var settings = settings
    settings.connectionProfile = chosen
    settings.roleAttribute = roleAttribute
    return settings
  }

  static func name(of profile: WorkspaceSettings.ConnectionProfile) -> String {
    switch profile {
    case .auto: "Automatic: recognise the sender"
    case .okta: "Okta"
    case .entra: "Entra ID"
    case .onelogin: "OneLogin"
    case .strict: "Strict: the standard alone"
    }
  }
}

/// What becomes of people and groups that are sent under a name that is taken.
struct NamesSection: SettingsSection {
  var problem: String?
  var relink: String
  var duplicateGroupNames: String

  init(of settings: WorkspaceSettings) {
    relink = settings.relink.rawValue
    duplicateGroupNames = settings.duplicateGroupNames.rawValue
  }

  init(_ form: Form) {
    relink = form["relink"] ?? ""
    duplicateGroupNames = form["duplicateGroupNames"] ?? ""
  }

  var relinks: [FormOption] {
    WorkspaceSettings.RelinkPolicy.allCases.map { each in
      FormOption(value: each.rawValue, name: Self.name(of: each), isChosen: each.rawValue == relink)
    }
  }

  var duplicates: [FormOption] {
    WorkspaceSettings.DuplicateGroupNames.allCases.map { each in
      FormOption(value: each.rawValue, name: Self.name(of: each), isChosen: each.rawValue == duplicateGroupNames)
    }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    guard let policy = WorkspaceSettings.RelinkPolicy(rawValue: relink),
      let duplicates = WorkspaceSettings.DuplicateGroupNames(rawValue: duplicateGroupNames)
    else {
      problem = "Choose one of the options for each."
      return nil
    }
    var settings = settings
    settings.relink = policy
    settings.duplicateGroupNames = duplicates
    return settings
  }

  private static func name(of policy: WorkspaceSettings.RelinkPolicy) -> String {
    switch policy {
    case .samePerson: "Reuse the record if it is the same person"
    case .never: "Never reuse it: refuse with 409"
    }
  }

  private static func name(of duplicates: WorkspaceSettings.DuplicateGroupNames) -> String {
    switch duplicates {
    case .reject: "Refuse the second group with 409"
    case .allow: "Allow several groups of one name"
    }
  }
}

/// Roles beyond the built-in ones, and who gets which without being given one.
struct RolesSection: SettingsSection {
  var problem: String?
  /// One a line.
  var customRoles: String
  var wrongCustomRoles: String?
  var defaultRole: String
  var wrongDefaultRole: String?

  init(of settings: WorkspaceSettings) {
    customRoles = settings.customRoles.joined(separator: "\n")
    defaultRole = settings.defaultRole
  }

  init(_ form: Form) {
    customRoles = form["customRoles"] ?? ""
    defaultRole = form["defaultRole"] ?? ""
  }

  /// The roles that were entered.
  var roles: [String] {
    customRoles.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    let roles = roles
    var known = Set(WorkspaceSettings.builtInRoles)
    for role in roles where !known.insert(ComparisonKey(role).text).inserted {
      wrongCustomRoles = """
        “\(role.prefix(100))” is there twice. Upper and lower case make no difference, and the built-in roles are there already.
        """
      return nil
    }
    if let long = roles.first(where: { $0.count > 100 }) {
      wrongCustomRoles = "“\(long.prefix(40))…” is longer than 100 characters."
      return nil
    }
    var settings = settings
    settings.customRoles = roles
    guard let role = settings.role(named: defaultRole) else {
      wrongDefaultRole = "There is no role “\(defaultRole.prefix(100))”. Choose one of \(settings.roles.joined(separator: ", "))."
      return nil
    }
    settings.defaultRole = role
    return settings
  }
}

/// When and to whom invitations go.
struct InvitationsSection: SettingsSection {
  var problem: String?
  var sending: String
  var delayHours: String
  var wrongDelay: String?
  var digestAddress: String
  var wrongAddress: String?
  var reminderDays: String
  var wrongReminders: String?
  /// Empty for never.
  var expiryDays: String
  var wrongExpiry: String?

  init(of settings: WorkspaceSettings) {
    let policy = settings.invitations
    sending = policy.sending.name.rawValue
    (delayHours, digestAddress) = ("", "")
    switch policy.sending {
    case .delayed(let seconds): delayHours = Self.hours(seconds)
    case .digest(let address): digestAddress = address
    case .immediately, .none: break
    }
    reminderDays = policy.reminderDays.map(String.init).joined(separator: ", ")
    expiryDays = policy.expiryDays.map(String.init) ?? ""
  }

  init(_ form: Form) {
    sending = form["sending"] ?? ""
    delayHours = form["delayHours"] ?? ""
    digestAddress = form["digestAddress"] ?? ""
    reminderDays = form["reminderDays"] ?? ""
    expiryDays = form["expiryDays"] ?? ""
  }

  var ways: [FormOption] {
    InvitationPolicy.Sending.Name.allCases.map { each in
      FormOption(value: each.rawValue, name: Self.name(of: each), isChosen: each.rawValue == sending)
    }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    var policy = settings.invitations
    switch InvitationPolicy.Sending.Name(rawValue: sending) {
    case .immediately: policy.sending = .immediately
    case .none?: policy.sending = InvitationPolicy.Sending.none
    case .delayed:
      guard let hours = Double(delayHours), hours > 0, hours <= 720 else {
        wrongDelay = "A number of hours, up to 720 (30 days)."
        return nil
      }
      policy.sending = .delayed(seconds: max(1, Int((hours * 3600).rounded())))
    case .digest:
      guard digestAddress.contains("@"), !digestAddress.contains(where: \.isWhitespace) else {
        wrongAddress = "An email address, such as it@example.com."
        return nil
      }
      policy.sending = .digest(address: digestAddress)
    case nil:
      problem = "Choose when invitations are sent."
      return nil
    }
    let parts = reminderDays.split(whereSeparator: { $0 == "," || $0.isWhitespace })
    let days = parts.compactMap { Int($0) }
    guard days.count == parts.count, days.count <= 10, days.allSatisfy((1...365).contains) else {
      wrongReminders = "Up to ten days from 1 to 365 with commas between them, such as 3, 7; nothing for no reminders."
      return nil
    }
    policy.reminderDays = Set(days).sorted()
    guard expiryDays.isEmpty || Int(expiryDays).map((1...3650).contains) == true else {
      wrongExpiry = "A number of days from 1 to 3650; nothing for never."
      return nil
    }
    policy.expiryDays = Int(expiryDays)
    var settings = settings
    settings.invitations = policy
    return settings
  }

  private static func name(of way: InvitationPolicy.Sending.Name) -> String {
    switch way {
    case .immediately: "At once, to each person"
    case .delayed: "Later, to each person"
    case .digest: "To an administrator, who tells the people"
    case .none: "Not at all"
    }
  }

  private static func hours(_ seconds: Int) -> String {
    seconds.isMultiple(of: 3600) ? String(seconds / 3600) : String(Double(seconds) / 3600)
  }
}
