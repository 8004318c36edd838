import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Forms of a workspace's settings")
struct SettingsSectionTests {
  private var settings: WorkspaceSettings {
    var settings = EdgeBuilder().settings
    settings.customRoles = ["Analyst"]
    settings.invitations = InvitationPolicy(sending: .delayed(seconds: 5400), reminderDays: [3, 7], expiryDays: 30)
    return settings
  }

  private func form(_ values: [String: String]) throws -> Form {
    try Form(values.map { "\($0)=\(ConsoleText.percentEncoded($1))" }.joined(separator: "&").utf8)
  }

  @Test("Submitting a form unchanged changes nothing")
  func roundTrip() throws {
    let settings = settings
    let profile = ProfileSection(of: settings)
    var sentProfile = ProfileSection(try form(["profile": profile.profile, "roleAttribute": profile.roleAttribute]))
    #expect(sentProfile.applied(to: settings) == settings)
    let names = NamesSection(of: settings)
    var sentNames = NamesSection(try form(["relink": names.relink, "duplicateGroupNames": names.duplicateGroupNames]))
    #expect(sentNames.applied(to: settings) == settings)
    let roles = RolesSection(of: settings)
    var sentRoles = RolesSection(try form(["customRoles": roles.customRoles, "defaultRole": roles.defaultRole]))
    #expect(sentRoles.applied(to: settings) == settings)
    let invitations = InvitationsSection(of: settings)
    #expect(invitations.delayHours == "1.5")
    var sentInvitations = InvitationsSection(
      try form([
        "sending": invitations.sending, "delayHours": invitations.delayHours, "digestAddress": invitations.digestAddress,
        "reminderDays": invitations.reminderDays, "expiryDays": invitations.expiryDays,
      ]))
    #expect(sentInvitations.applied(to: settings) == settings)
  }

  @Test("A form changes only its own settings")
  func ownSettings() throws {
    let settings = settings
    var profile = ProfileSection(try form(["profile": "okta", "roleAttribute": "role", "plan": "free", "scimEnabled": "false"]))
    var expected = settings
    expected.connectionProfile = .okta
    expected.roleAttribute = "role"
    #expect(profile.applied(to: settings) == expected)
    var names = NamesSection(try form(["relink": "never", "duplicateGroupNames": "allow", "plan": "free"]))
    expected = settings
    expected.relink = .never
    expected.duplicateGroupNames = .allow
    #expect(names.applied(to: settings) == expected)
    var unknown = NamesSection(try form(["relink": "always", "duplicateGroupNames": "allow"]))
    #expect(unknown.applied(to: settings) == nil && unknown.problem != nil)
    var roles = RolesSection(try form(["customRoles": " Analyst \r\n\r\nSteward", "defaultRole": "STEWARD"]))
    expected = settings
    expected.customRoles = ["Analyst", "Steward"]
    expected.defaultRole = "Steward"
    #expect(roles.applied(to: settings) == expected)
    var invitations = InvitationsSection(
      try form(["sending": "digest", "digestAddress": "it@acme.example", "reminderDays": "7, 3 7", "expiryDays": ""]))
    expected = settings
    expected.invitations.sending = .digest(address: "it@acme.example")
    expected.invitations.reminderDays = [3, 7]
    expected.invitations.expiryDays = nil
    #expect(invitations.applied(to: settings) == expected)
  }

  @Test(
    "Connection: invalid input is rejected",
    arguments: [("weird", "role"), ("okta", ""), ("okta", "my role"), ("okta", "röle"), ("", "role")])
  func profileFaults(profile: String, attribute: String) throws {
    var section = ProfileSection(try form(["profile": profile, "roleAttribute": attribute]))
    #expect(section.applied(to: settings) == nil)
    #expect(section.problem != nil || section.roleAttributeError != nil)
    #expect(section.roleAttribute == attribute)
  }

  @Test(
    "Roles: invalid input is rejected",
    arguments: [("Analyst\nanalyst", "viewer"), ("Editor", "viewer"), ("Analyst", "emperor"), ("", "Analyst"), ("", "")])
  func roleFaults(roles: String, standard: String) throws {
    var section = RolesSection(try form(["customRoles": roles, "defaultRole": standard]))
    #expect(section.applied(to: settings) == nil)
    #expect(section.customRolesError != nil || section.defaultRoleError != nil)
    #expect(section.customRoles == roles)
  }

  @Test(
    "Invitations: invalid input is rejected, with an error at the field",
    arguments: [
      (["sending": "soon"], \InvitationsSection.problem), (["sending": "delayed", "delayHours": "many"], \.delayError),
      (["sending": "delayed", "delayHours": "721"], \.delayError), (["sending": "delayed", "delayHours": "nan"], \.delayError),
      (["sending": "digest", "digestAddress": "it"], \.addressError), (["sending": "none", "reminderDays": "3,x"], \.remindersError),
      (["sending": "none", "reminderDays": "0"], \.remindersError), (["sending": "none", "expiryDays": "4000"], \.expiryError),
      (["sending": "none", "expiryDays": "soon"], \.expiryError),
    ] as [([String: String], KeyPath<InvitationsSection, String?> & Sendable)])
  func invitationFaults(values: [String: String], fault: KeyPath<InvitationsSection, String?> & Sendable) throws {
    var section = InvitationsSection(try form(values))
    #expect(section.applied(to: settings) == nil)
    #expect(section[keyPath: fault] != nil)
  }
}
