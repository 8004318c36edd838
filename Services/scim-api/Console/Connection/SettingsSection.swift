import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives

/// A form for a part of a workspace's settings, with the errors of the input.
protocol SettingsSection: Sendable, Equatable {
  /// The error of the whole form.
  var problem: String? { get set }

  /// A form with the current settings.
  init(of settings: WorkspaceSettings)
  /// A submitted form.
  init(_ form: Form)

  /// The settings with the input applied; nil if the input is invalid. Sets the errors then.
  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings?
}

/// An option of a menu or a group of radio buttons.
struct FormOption: Sendable, Equatable {
  var value: String
  var name: String
  var isChosen: Bool
}

/// The form for the connection profile and the role attribute.
struct ProfileSection: SettingsSection {
  var problem: String?
  var profile: String
  var roleAttribute: String
  var roleAttributeError: String?

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
      roleAttributeError = "Use letters, digits and underscores, such as secodaRole."
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
    case .strict: "Strict: only the standard"
    }
  }
}

/// The form for the handling of names that are already in use.
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
    case .never: "Never reuse it: reject with 409"
    }
  }

  private static func name(of duplicates: WorkspaceSettings.DuplicateGroupNames) -> String {
    switch duplicates {
    case .reject: "Reject the second group with 409"
    case .allow: "Allow several groups with the same name"
    }
  }
}

/// The form for custom roles and the default role.
struct RolesSection: SettingsSection {
  var problem: String?
  /// The custom roles, one per line.
  var customRoles: String
  var customRolesError: String?
  var defaultRole: String
  var defaultRoleError: String?

  init(of settings: WorkspaceSettings) {
    customRoles = settings.customRoles.joined(separator: "\n")
    defaultRole = settings.defaultRole
  }

  init(_ form: Form) {
    customRoles = form["customRoles"] ?? ""
    defaultRole = form["defaultRole"] ?? ""
  }

  /// The entered roles.
  var roles: [String] {
    customRoles.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  mutating func applied(to settings: WorkspaceSettings) -> WorkspaceSettings? {
    let roles = roles
    var known = Set(WorkspaceSettings.builtInRoles)
    for role in roles where !known.insert(ComparisonKey(role).text).inserted {
      customRolesError = """
        “\(role.prefix(100))” is a duplicate. Roles are compared regardless of case, and include the built-in roles.
        """
      return nil
    }
    if let long = roles.first(where: { $0.count > 100 }) {
      customRolesError = "“\(long.prefix(40))…” is longer than 100 characters."
      return nil
    }
    var settings = settings
    settings.customRoles = roles
    guard let role = settings.role(named: defaultRole) else {
      defaultRoleError = "There is no role “\(defaultRole.prefix(100))”. Choose one of \(settings.roles.joined(separator: ", "))."
      return nil
    }
    settings.defaultRole = role
    return settings
  }
}

/// The form for invitations.
struct InvitationsSection: SettingsSection {
  var problem: String?
  var sending: String
  var delayHours: String
  var delayError: String?
  var digestAddress: String
  var addressError: String?
  var reminderDays: String
  var remindersError: String?
  /// Empty if invitations never expire.
  var expiryDays: String
  var expiryError: String?

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

  var sendingOptions: [FormOption] {
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
        delayError = "Enter a number of hours, up to 720 (30 days)."
        return nil
      }
      policy.sending = .delayed(seconds: max(1, Int((hours * 3600).rounded())))
    case .digest:
      guard digestAddress.contains("@"), !digestAddress.contains(where: \.isWhitespace) else {
        addressError = "Enter an email address, such as it@example.com."
        return nil
      }
      policy.sending = .digest(address: digestAddress)
    case nil:
      problem = "Choose when invitations are sent."
      return nil
    }
    let entries = reminderDays.split(whereSeparator: { $0 == "," || $0.isWhitespace })
    let days = entries.compactMap { Int($0) }
    guard days.count == entries.count, days.count <= 10, days.allSatisfy((1...365).contains) else {
      remindersError = "Enter up to ten numbers from 1 to 365, separated by commas, such as 3, 7. Leave empty for no reminders."
      return nil
    }
    policy.reminderDays = Set(days).sorted()
    guard expiryDays.isEmpty || Int(expiryDays).map((1...3650).contains) == true else {
      expiryError = "Enter a number of days from 1 to 3650. Leave empty for no expiry."
      return nil
    }
    policy.expiryDays = Int(expiryDays)
    var settings = settings
    settings.invitations = policy
    return settings
  }

  private static func name(of sending: InvitationPolicy.Sending.Name) -> String {
    switch sending {
    case .immediately: "Immediately, to each person"
    case .delayed: "With a delay, to each person"
    case .digest: "To an administrator, who informs the people"
    case .none: "Not at all"
    }
  }

  private static func hours(_ seconds: Int) -> String {
    seconds.isMultiple(of: 3600) ? String(seconds / 3600) : String(Double(seconds) / 3600)
  }
}
