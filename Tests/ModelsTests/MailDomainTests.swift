import Foundation
import Models
import Testing

@Suite("Mail domains")
struct MailDomainTests {
  private static func settings(_ domains: [MailDomain]) -> WorkspaceSettings {
    WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
      mailDomains: domains, otherDomains: .hold, accountLinking: .ask)
  }

  private static let domains = [
    MailDomain(domain: "acme.example", verification: .operator, verifiedAt: Date(timeIntervalSince1970: 1)),
    MailDomain(domain: "pending.example", verification: .dns(token: "abc")),
  ]

  @Test(
    "An address is verified by exactly its domain, in any case, and only once the domain is",
    arguments: [
      ("ana@acme.example", true), ("Ana@ACME.Example ", true), (#""a@b"@acme.example"#, true), ("ana@mail.acme.example", false),
      ("ana@xacme.example", false), ("ana@acme.example.evil.example", false), ("ana@pending.example", false), ("acme.example", false),
      ("ana@", false), ("", false), ("ana@acme.example@evil.example", false),
    ])
  func addresses(address: String, isVerified: Bool) {
    #expect(Self.settings(Self.domains).isVerified(address: address) == isVerified)
  }

  @Test("Domains and policies survive the round trip, and are missing in settings of earlier versions")
  func coding() throws {
    let settings = Self.settings(Self.domains)
    let data = try JSONData.encode(settings)
    #expect(try JSONData.decode(from: data, type: "settings") == settings)
    #expect(String(decoding: data, as: UTF8.self).contains(#"{"domain":"pending.example","verification":{"method":"dns","token":"abc"}}"#))
    var object = try #require(JSONSerialization.jsonObject(with: Data(data)) as? [String: Any])
    for name in ["mailDomains", "otherDomains", "accountLinking"] { object[name] = nil }
    let older: WorkspaceSettings = try JSONData.decode(
      from: [UInt8](JSONSerialization.data(withJSONObject: object)), type: "settings")
    #expect(older.mailDomains.isEmpty && older.otherDomains == .allow && older.accountLinking == .verifiedAddress)
  }

  @Test("The record of a domain is below it; an asserted domain has none")
  func record() {
    #expect(Self.domains[1].recordName == "_rollcall-challenge.pending.example")
    #expect(Self.domains[1].recordText == "rollcall-verification=abc")
    #expect(Self.domains[0].recordText == nil)
  }
}
