import Foundation
import TestSupport
import Testing

extension EndToEnd.IdentityProviders {
  static let okta = "Okta SCIM Client 1.0.0"

  @Test("Okta with an app from the wizard: PUT for every change, from assignment to reassignment")
  func oktaByReplacement() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: Self.okta)
    let (ana, ben) = (scenario.address("Ana"), scenario.address("ben"))

    // Assignment.
    #expect(try await scenario.find("Users", "userName eq \"\(ana)\"", "&startIndex=1&count=100").isEmpty)
    let created = try await scenario.send("POST", "/Users", IdentityProvider.oktaUser(ana), expecting: 201)
    let id = try #require(created["id"] as? String)
    #expect(created["active"] as? Bool == true)
    #expect(created["userName"] as? String == ana)
    #expect(created["password"] == nil)
    let benID = try #require(
      try await scenario.send("POST", "/Users", IdentityProvider.oktaUser(ben, givenName: "Ben"), expecting: 201)["id"] as? String)
    try await scenario.expectState("invited", of: ana)
    try await scenario.expectMails(1, to: ana)
    try await scenario.expectMails(1, to: ben)

    // A profile update: the complete resource from GET, with changes.
    let update = try await scenario.modified("/Users/\(id)", ["title": "Analyst", "secodaRole": "Editor"])
    let updated = try await scenario.send("PUT", "/Users/\(id)", update, expecting: 200)
    #expect(updated["title"] as? String == "Analyst")
    #expect(updated["id"] as? String == id)
    #expect((updated["secodaRole"] as? String)?.lowercased() == "editor")

    // A group without members first, then a full replacement for each change.
    let group = try #require(
      try await scenario.send(
        "POST", "/Groups",
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data team","members":[]}"#, expecting: 201)["id"]
        as? String)
    let members = [["value": id, "display": ana], ["value": benID, "display": ben]]
    let overwritten = try await scenario.modified("/Groups/\(group)", ["members": members])
    let pushed = try await scenario.send("PUT", "/Groups/\(group)", overwritten, expecting: 200)
    #expect((pushed["members"] as? [[String: Any]])?.count == 2)
    try await scenario.expectMembers([], in: "Data team")
    try await scenario.signIn(ana)
    try await scenario.signIn(ben)
    try await scenario.expectMembers([ana, ben], in: "Data team")

    // A new name, and one member fewer.
    let renamed = try await scenario.modified("/Groups/\(group)", ["displayName": "Data", "members": [["value": id, "display": ana]]])
    try await scenario.send("PUT", "/Groups/\(group)", renamed, expecting: 200)
    try await scenario.expectMembers([ana], in: "Data")

    // Deactivation keeps the membership. A user who is not disabled cannot be created again.
    try await scenario.send("PUT", "/Users/\(id)", try await scenario.modified("/Users/\(id)", ["active": false]), expecting: 200)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.expectMembers([], in: "Data")
    let conflict = try await scenario.send("POST", "/Users", IdentityProvider.oktaUser(ben), expecting: 409)
    #expect(conflict["scimType"] as? String == "uniqueness")

    // A new assignment with the same externalId reuses the user with role and memberships, without a second invitation.
    let returned = try await scenario.send("POST", "/Users", IdentityProvider.oktaUser(ana), expecting: 201)
    #expect(returned["id"] as? String == id)
    try await scenario.expectState("active", of: ana)
    try await scenario.expectMembers([ana], in: "Data")

    // The group is unlinked.
    try await scenario.send("DELETE", "/Groups/\(group)", expecting: 204)
    try await eventually("the group to be gone") { try await !scenario.workspace.scimctl(["group", "list"]).contains("Data") }
    try await scenario.expectMails(1, to: ana)
    try await scenario.expectMails(1, to: ben)
  }

  @Test("Okta with an app from the catalogue: PATCH for active and groups")
  func oktaByPatch() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: Self.okta)
    let (ana, ben) = (scenario.address("ana"), scenario.address("ben"))
    let id = try await scenario.idp.create(ana)
    let benID = try await scenario.idp.create(ben, givenName: "Ben")
    try await scenario.expectMails(1, to: ana)
    try await scenario.signIn(ana)
    try await scenario.signIn(ben)

    let group = try #require(
      try await scenario.send(
        "POST", "/Groups",
        """
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"\(id)","display":"\(ana)"}]}
        """, expecting: 201)["id"] as? String)
    try await scenario.expectMembers([ana], in: "Sales")
    // One request removes and adds a member. Okta adds the name to every change.
    let change = IdentityProviderScenario.patch(
      """
      {"op":"remove","path":"members[value eq \\"\(id)\\"]"},
      {"op":"add","path":"members","value":[{"value":"\(benID)","display":"\(ben)"}]},
      {"op":"replace","value":{"id":"\(group)","displayName":"Sales EMEA"}}
      """)
    try await scenario.send("PATCH", "/Groups/\(group)", change, expecting: 204)
    try await scenario.expectMembers([ben], in: "Sales EMEA")
    // 'Push now' replaces all members.
    let overwrite = IdentityProviderScenario.patch(
      #"{"op":"replace","path":"members","value":[{"value":"\#(id)","display":"\#(ana)"},{"value":"\#(benID)","display":"\#(ben)"}]}"#)
    try await scenario.send("PATCH", "/Groups/\(group)", overwrite, expecting: 204)
    try await scenario.expectMembers([ana, ben], in: "Sales EMEA")
    #expect(try await scenario.find("Groups", "displayName eq \"Sales EMEA\"").count == 1)

    // Deactivation without a path, and reactivation of the same id.
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"replace","value":{"active":false}}"#), expecting: 200)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.expectMembers([ben], in: "Sales EMEA")
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"replace","value":{"active":true}}"#), expecting: 200)
    try await scenario.expectState("active", of: ana)
    try await scenario.expectMembers([ana, ben], in: "Sales EMEA")
    try await scenario.expectMails(1, to: ana)
  }
}
