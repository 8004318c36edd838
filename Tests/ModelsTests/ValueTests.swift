import Foundation
import Models
import Primitives
import Testing

@Suite("Ids, times and settings")
struct ValueTests {
  @Test(
    "Times are written in UTC with milliseconds, and read with or without fractions",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_767_225_600.125, "2026-01-01T00:00:00.125Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
      (4_102_444_799.999, "2099-12-31T23:59:59.999Z"), (-0.5, "1969-12-31T23:59:59.500Z"),
    ])
  func times(seconds: Double, text: String) {
    #expect(Timestamp.text(Date(timeIntervalSince1970: seconds)) == text)
    #expect(Timestamp.date(text).map { abs($0.timeIntervalSince1970 - seconds) < 0.0005 } == true)
  }

  @Test("Other forms of RFC 3339 are parsed, and malformed ones are not")
  func otherTimes() {
    #expect(Timestamp.date("2026-01-01T02:00:00+02:00") == Date(timeIntervalSince1970: 1_767_225_600))
    #expect(Timestamp.date("2026-01-01T00:00:00Z") == Date(timeIntervalSince1970: 1_767_225_600))
    for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01"] { #expect(Timestamp.date(text) == nil, "\(text)") }
  }

  @Test("Ids sort by their time of creation, and are parsed in any case")
  func ids() throws {
    let ids = (0..<100).map { UserID.made(at: Date(timeIntervalSince1970: Double($0))) }
    #expect(ids.shuffled().sorted() == ids)
    let id = try #require(ids.first)
    #expect(UserID(id.description) == id)
    #expect(UserID(id.description.uppercased()) == id)
    #expect(id.description == id.description.lowercased())
    #expect(id.resource.user == id)
    #expect(UserID("ana") == nil)
    #expect(id.uuid.uuid.6 >> 4 == 7)
  }

  @Test("A role is found in any case, built-in or custom")
  func roles() {
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example",
      customRoles: ["Data Analyst"])
    #expect(settings.role(named: "ADMIN") == "admin")
    #expect(settings.role(named: "data analyst") == "Data Analyst")
    #expect(settings.role(named: "owner") == nil)
  }

  @Test(
    "A host name is parsed in any case, with or without the final dot",
    arguments: [
      ("scim.Acme.example", "scim.acme.example"), ("a.b.", "a.b"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
      ("1.2.3.example", "1.2.3.example"), (String(repeating: "a", count: 63) + ".example", String(repeating: "a", count: 63) + ".example"),
    ])
  func hostNames(text: String, name: String) {
    #expect(HostName(text)?.text == name)
  }

  @Test(
    "Malformed host names are rejected",
    arguments: [
      "", ".", "localhost", "a..b", ".a.b", "-a.example", "a-.example", "bücher.example", "a_b.example", "https://a.example",
      "a.example:443",
      "a.example/", "192.0.2.1", "[::1]", "*.example.com", "a b.example", String(repeating: "a", count: 64) + ".example",
      String(repeating: "a.", count: 127) + "example",
    ])
  func noHostNames(text: String) {
    #expect(HostName(text) == nil)
  }

  @Test("The first unmet requirement for SCIM is named")
  func obstacles() {
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .team, samlSSO: false, scimEnabled: false, signInURL: "https://acme.example")
    #expect(settings.scimObstacle == .plan)
    settings.plan = .enterprise
    #expect(settings.scimObstacle == .samlSSO)
    settings.samlSSO = true
    #expect(settings.scimObstacle == .optIn)
    settings.scimEnabled = true
    #expect(settings.scimObstacle == nil)
  }

  @Test("Settings from older versions have the defaults for invitation policies, custom domains and rules for names")
  func olderSettings() throws {
    let stored = """
      {"slug":"acme","name":"Acme","plan":"enterprise","samlSSO":true,"scimEnabled":true,"signInURL":"https://acme.example",
      "customRoles":[],"defaultRole":"viewer","roleAttribute":"secodaRole","connectionProfile":"auto"}
      """
    let settings: WorkspaceSettings = try JSONData.decode(from: Array(stored.utf8), type: "workspace settings")
    #expect(settings.customDomains.isEmpty)
    #expect(settings.relink == .samePerson && settings.duplicateGroupNames == .reject)
    #expect(settings.invitations == InvitationPolicy(sending: .immediately, reminderDays: [3, 7], expiryDays: 30))
    #expect(try JSONData.decode(from: JSONData.encode(settings), type: "workspace settings") == settings)
  }

  @Test(
    "An invitation policy round-trips",
    arguments: [
      InvitationPolicy(), InvitationPolicy(sending: .delayed(seconds: 3600), reminderDays: [], expiryDays: nil),
      InvitationPolicy(sending: .digest(address: "it@acme.example"), reminderDays: [1], expiryDays: 7), InvitationPolicy(sending: .none),
    ])
  func invitationPolicies(_ policy: InvitationPolicy) throws {
    #expect(try JSONData.decode(from: JSONData.encode(policy), type: "policy") == policy)
  }

  @Test("Missing members of an invitation policy have their defaults, except the parameters of 'sending'")
  func partialPolicies() throws {
    #expect(try JSONData.decode(from: Array("{}".utf8), type: "policy") == InvitationPolicy())
    let never: InvitationPolicy = try JSONData.decode(from: Array(#"{"sending":"none","expiryDays":null}"#.utf8), type: "policy")
    #expect(never == InvitationPolicy(sending: .none, expiryDays: nil))
    #expect(throws: MessageError.self) {
      let _: InvitationPolicy = try JSONData.decode(from: Array(#"{"sending":"delayed"}"#.utf8), type: "policy")
    }
  }

  @Test("UUIDs are found and replaced in any text")
  func uuidsInText() {
    let (one, two, three) = (UUID(), UUID(), UUID())
    let text = { (first: UUID, second: UUID) in
      Array(
        "{\"a\":\"\(UUIDText.text(first))\",\"b\":\"x-\(UUIDText.text(first))-\(UUIDText.text(second))\",\"0-0\":\"\(UUIDText.text(three).dropLast())\"}"
          .utf8)
    }
    #expect(UUIDText.all(in: text(one, two)) == [one, two])
    #expect(UUIDText.all(in: Array("12345678-1234-".utf8)).isEmpty)
    #expect(UUIDText.replacing([one: three, three: two], in: text(one, two)) == text(three, two))
  }
}
