import Foundation
import TestSupport
import Testing

extension EndToEnd.IdentityProviders {
  static let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

  /// The body of Entra's POST for a user.
  private func entraUser(_ email: String) -> String {
    """
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","\(Self.enterprise)"],"externalId":"\(email.prefix { $0 != "@" })-mailNickname",
     "userName":"\(email)","active":true,"displayName":"Ana Silva","title":null,
     "emails":[{"primary":true,"type":"work","value":"\(email)"}],
     "meta":{"resourceType":"User"},"name":{"formatted":"Ana Silva","familyName":"Silva","givenName":"Ana"},
     "roles":[{"primary":"True","type":"WindowsAzureActiveDirectoryRole","value":"viewer"}]}
    """
  }

  /// Sends the request of Entra's *Test Connection*.
  private func testConnection(_ scenario: IdentityProviderScenario) async throws {
    #expect(try await scenario.find("Users", "userName eq \"\(UUID().uuidString)\"").isEmpty)
  }

  @Test("Entra ID: a reassigned nickname or userName gives access to nothing of the former user")
  func entraReusedNames() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: nil)
    let (ana, ben) = (scenario.address("ana"), scenario.address("ben"))
    func user(_ email: String, externalID: String) -> String {
      """
      {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\(email)","externalId":"\(externalID)","active":true,
       "emails":[{"primary":true,"type":"work","value":"\(email)"}]}
      """
    }
    let id = try #require(try await scenario.send("POST", "/Users", user(ana, externalID: "jsmith"), expecting: 201)["id"] as? String)
    // A sign-in before the mail is sent would cancel it.
    try await scenario.expectMails(1, to: ana)
    try await scenario.signIn(ana)
    let group = #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data","members":[{"value":"\#(id)"}]}"#
    try await scenario.send("POST", "/Groups", group, expecting: 201)
    try await scenario.expectMembers([ana], in: "Data")
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"Replace","path":"active","value":"False"}"#), expecting: 200)
    try await scenario.expectState("disabled", of: ana)

    // Another person with the same nickname gets a new account.
    let new = try await scenario.send("POST", "/Users", user(ben, externalID: "jsmith"), expecting: 201)
    #expect(new["id"] as? String != id)
    try await scenario.expectState("invited", of: ben)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.expectMails(1, to: ben)

    // Another person with the same userName gets the record, without the data of the former person.
    let reassigned = try await scenario.send("POST", "/Users", user(ana, externalID: "jsmith2"), expecting: 201)
    #expect(reassigned["id"] as? String == id)
    try await scenario.expectState("invited", of: ana)
    try await scenario.expectMails(2, to: ana)
    try await scenario.signIn(ana)
    try await scenario.expectState("active", of: ana)
    try await scenario.expectMembers([], in: "Data")
    try await eventually("the entry in the log") { try await scenario.workspace.scimctl(["log", "tail"]).contains("Relinked, and reset") }
    #expect(try await scenario.workspace.scimctl(["audit", "list", "--action", "relink-user"]).contains("user \(id)"))
  }

  @Test("Entra ID without its compliance flag: capitals, strings for booleans, and targets that do not exist")
  func entra() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: nil)
    let (ana, boss) = (scenario.address("Ana"), scenario.address("boss"))
    try await testConnection(scenario)
    let created = try await scenario.send("POST", "/Users", entraUser(ana), expecting: 201)
    let id = try #require(created["id"] as? String)
    #expect(created["userName"] as? String == ana)
    let bossID = try #require(try await scenario.send("POST", "/Users", entraUser(boss), expecting: 201)["id"] as? String)
    try await scenario.expectState("invited", of: ana)
    try await scenario.expectMails(1, to: ana)
    #expect(try await scenario.find("Users", "externalId eq \"Ana-mailNickname\"").count == 1)
    #expect(try await scenario.find("Users", "emails[type eq \"work\"].value eq \"\(ana)\"").count == 1)

    // Missing targets are created. A manager is a plain string, and an empty string removes it.
    let changes = IdentityProviderScenario.patch(
      """
      {"op":"Replace","path":"displayName","value":"Ana S."},
      {"op":"Add","path":"phoneNumbers[type eq \\"mobile\\"].value","value":"+1 555 0100"},
      {"op":"Add","path":"addresses[type eq \\"work\\"].country","value":"PT"},
      {"op":"Add","path":"\(Self.enterprise):department","value":"Data"},
      {"op":"Add","path":"\(Self.enterprise):manager","value":"\(bossID)"}
      """)
    try await scenario.send("PATCH", "/Users/\(id)", changes, expecting: 200)
    var read = try await scenario.send("GET", "/Users/\(id)", expecting: 200)
    #expect(read["displayName"] as? String == "Ana S.")
    #expect((read["phoneNumbers"] as? [[String: Any]])?.first?["value"] as? String == "+1 555 0100")
    #expect((read["addresses"] as? [[String: Any]])?.first?["country"] as? String == "PT")
    let extended = try #require(read[Self.enterprise] as? [String: Any])
    #expect(extended["department"] as? String == "Data")
    #expect((extended["manager"] as? [String: Any])?["value"] as? String == bossID)
    #expect(try await scenario.find("Users", "id eq \"\(id)\" and \(Self.enterprise):manager eq \"\(bossID)\"").count == 1)
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"Replace","path":"\#(Self.enterprise):manager","value":""}"#),
      expecting: 200)
    read = try await scenario.send("GET", "/Users/\(id)", expecting: 200)
    #expect((read[Self.enterprise] as? [String: Any])?["manager"] == nil)

    // A group with the legacy schema, created and read without members, then changed with lists of values.
    let group = try #require(
      try await scenario.send(
        "POST", "/Groups",
        """
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",
         "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
         "externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"Data team","meta":{"resourceType":"Group"}}
        """, expecting: 201)["id"] as? String)
    let found = try await scenario.find("Groups", "displayName eq \"Data team\"", "&excludedAttributes=members")
    #expect(found.count == 1 && found[0]["members"] == nil)
    for member in [id, bossID] {
      try await scenario.send(
        "PATCH", "/Groups/\(group)",
        IdentityProviderScenario.patch(#"{"op":"Add","path":"members","value":[{"$ref":null,"value":"\#(member)"}]}"#), expecting: 204)
    }
    #expect(try await scenario.find("Groups", "id eq \"\(group)\" and members eq \"\(id)\"").count == 1)
    try await scenario.signIn(ana)
    try await scenario.signIn(boss)
    try await scenario.expectMembers([ana, boss], in: "Data team")
    try await scenario.send(
      "PATCH", "/Groups/\(group)",
      IdentityProviderScenario.patch(#"{"op":"Remove","path":"members","value":[{"value":"\#(bossID)"}]}"#), expecting: 204)
    try await scenario.expectMembers([ana], in: "Data team")

    // The user leaves the scope and returns: memberships are not sent again.
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"Replace","path":"active","value":"False"}"#), expecting: 200)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.expectMembers([], in: "Data team")
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"Replace","path":"active","value":"True"}"#), expecting: 200)
    try await scenario.expectMembers([ana], in: "Data team")

    // The permanent deletion follows thirty days after the soft deletion. The error for a late update says what to do.
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"Replace","path":"active","value":"False"}"#), expecting: 200)
    try await scenario.send("DELETE", "/Users/\(id)", expecting: 204)
    let late = try await scenario.send("PATCH", "/Users/\(id)", changes, expecting: 404)
    #expect((late["detail"] as? String)?.contains("unassign") == true)
    try await scenario.send("DELETE", "/Groups/\(group)", expecting: 204)
    try await scenario.expectMails(1, to: ana)
  }

  @Test("Entra ID with its compliance flag: keys with dots and URNs in a replace without a path")
  func entraByTheRFC() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: nil, settings: ["--profile", "entra"])
    let ana = scenario.address("ana")
    try await testConnection(scenario)
    let id = try #require(try await scenario.send("POST", "/Users", entraUser(ana), expecting: 201)["id"] as? String)
    // Before the address changes and the user is disabled.
    try await scenario.expectMails(1, to: ana)
    let change = IdentityProviderScenario.patch(
      """
      {"op":"replace","value":{"displayName":"Ana Maria","name.givenName":"Ana Maria",
       "emails[type eq \\"work\\"].value":"\(scenario.address("ana.maria"))","\(Self.enterprise):employeeNumber":"00042",
       "secodaRole":"editor"}}
      """)
    let changed = try await scenario.send("PATCH", "/Users/\(id)", change, expecting: 200)
    #expect(changed["displayName"] as? String == "Ana Maria")
    #expect((changed["name"] as? [String: Any])?["givenName"] as? String == "Ana Maria")
    #expect((changed["name"] as? [String: Any])?["familyName"] as? String == "Silva")
    #expect((changed["emails"] as? [[String: Any]])?.first?["value"] as? String == scenario.address("ana.maria"))
    #expect((changed[Self.enterprise] as? [String: Any])?["employeeNumber"] as? String == "00042")
    #expect(changed["secodaRole"] as? String == "editor")
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"replace","path":"active","value":false}"#), expecting: 200)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.send("DELETE", "/Users/\(id)", expecting: 204)
    try await scenario.send("GET", "/Users/\(id)", expecting: 404)
    try await scenario.expectMails(1, to: ana)
  }
}
