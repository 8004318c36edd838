import Foundation
import TestSupport
import Testing

extension EndToEnd.IdentityProviders {
  @Test("OneLogin: an address as an object, service provider configuration, entitlements, PUT and PATCH")
  func oneLogin() async throws {
    let scenario = try await IdentityProviderScenario(userAgent: "OneLogin SCIM Client")
    let ana = scenario.address("ana")
    let description = try await scenario.send("GET", "/ServiceProviderConfig", expecting: 200)
    #expect((description["patch"] as? [String: Any])?["supported"] as? Bool == true)

    // OneLogin's template contains one address instead of a list.
    func user(_ active: Bool, department: String) -> String {
      """
      {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","\(Self.enterprise)"],"userName":"\(ana)","externalId":"42",
       "displayName":"Ana Silva","active":\(active),"name":{"givenName":"Ana","familyName":"Silva"},
       "emails":{"value":"\(ana)","type":"work"},"\(Self.enterprise)":{"department":"\(department)"}}
      """
    }
    #expect(try await scenario.find("Users", "userName eq \"\(ana)\"").isEmpty)
    let created = try await scenario.send("POST", "/Users", user(true, department: "Data"), expecting: 201)
    let id = try #require(created["id"] as? String)
    #expect((created["emails"] as? [[String: Any]])?.first?["value"] as? String == ana)
    try await scenario.expectState("invited", of: ana)
    try await scenario.expectMails(1, to: ana)

    // 'Refresh entitlements' reads the groups, to which members are added then.
    let group = try #require(
      try await scenario.send(
        "POST", "/Groups", #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Analysts"}"#, expecting: 201)["id"]
        as? String)
    let groups = try await scenario.send("GET", "/Groups", expecting: 200)
    #expect(((groups["Resources"] as? [[String: Any]]) ?? []).compactMap { $0["displayName"] as? String } == ["Analysts"])
    try await scenario.send(
      "PATCH", "/Groups/\(group)", IdentityProviderScenario.patch(#"{"op":"add","path":"members","value":[{"value":"\#(id)"}]}"#),
      expecting: 204)
    try await scenario.signIn(ana)
    try await scenario.expectMembers([ana], in: "Analysts")

    let replaced = try await scenario.send("PUT", "/Users/\(id)", user(true, department: "Finance"), expecting: 200)
    #expect((replaced[Self.enterprise] as? [String: Any])?["department"] as? String == "Finance")
    try await scenario.send(
      "PATCH", "/Users/\(id)", IdentityProviderScenario.patch(#"{"op":"replace","path":"active","value":false}"#), expecting: 200)
    try await scenario.expectState("disabled", of: ana)
    try await scenario.expectMembers([], in: "Analysts")
    try await scenario.send("PUT", "/Users/\(id)", user(true, department: "Finance"), expecting: 200)
    try await scenario.expectMembers([ana], in: "Analysts")
    try await scenario.send("DELETE", "/Users/\(id)", expecting: 204)
    try await scenario.send("DELETE", "/Groups/\(group)", expecting: 204)
    try await eventually("the group to be gone") { try await !scenario.workspace.scimctl(["group", "list"]).contains("Analysts") }
    try await scenario.expectMails(1, to: ana)
  }
}
