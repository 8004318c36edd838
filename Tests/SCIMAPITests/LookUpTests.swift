import Models
import SCIM
import Testing

@testable import scim_api

@Suite("How a filter is answered")
struct LookUpTests {
  static let id = "6b1f7e0c-0000-4000-8000-000000000001"
  static let resource = ResourceID(id)

  @Test(
    "One equality is one condition",
    arguments: [
      (#"userName eq "Ana@Example.com""#, ResourceKind.user, LookUp.Condition.userName("ana@example.com")),
      (#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ana""#, .user, .userName("ana")),
      (#"externalId eq "00U1""#, .user, .externalID("00U1")), (#"externalId eq "00U1""#, .group, .externalID("00U1")),
      (#"displayName eq "Data Team""#, .group, .groupDisplayName("data team")),
      (#"displayName eq "Ana Silva""#, .user, .userDisplayName("Ana Silva")),
    ])
  func equality(filter: String, kind: ResourceKind, condition: LookUp.Condition) throws {
    let lookUp = try LookUp(Filter(parsing: filter), of: kind)
    #expect(lookUp.conditions == [condition])
    #expect(lookUp.remainder == nil)
    #expect(!lookUp.isEmpty)
  }

  @Test("Conditions that hold together come in one order")
  func conjunction() throws {
    let id = try #require(Self.resource)
    for filter in [#"id eq "\#(Self.id)" and members eq "\#(Self.id)""#, #"members.value eq "\#(Self.id)" and id eq "\#(Self.id)""#] {
      let lookUp = try LookUp(Filter(parsing: filter), of: .group)
      #expect(lookUp.conditions == [.id(id), .member(id)])
      #expect(lookUp.remainder == nil)
    }
  }

  @Test(
    "What the database cannot decide is left to the filter",
    arguments: [
      (#"emails[type eq "work"].value eq "Ana@example.com""#, LookUp.Condition.email("ana@example.com")),
      (#"emails.value eq "ana@example.com""#, .email("ana@example.com")),
      (#"userName eq "ana" and active eq true"#, .userName("ana")),
      (#"userName eq "ana" and userName eq "ben""#, .userName("ana")),
      (#"userName eq "ana" and (title pr or active eq true)"#, .userName("ana")),
    ])
  func remainder(filter: String, condition: LookUp.Condition) throws {
    let parsed = try Filter(parsing: filter)
    let lookUp = try LookUp(parsed, of: .user)
    #expect(lookUp.conditions == [condition])
    #expect(lookUp.remainder == parsed)
  }

  @Test(
    "A value that the attribute cannot have is found nowhere",
    arguments: [#"id eq "42""#, "userName eq true", #"id eq "42" and userName eq "ana""#])
  func nothing(filter: String) throws {
    #expect(try LookUp(Filter(parsing: filter), of: .user).isEmpty)
  }

  @Test("No filter is every resource")
  func everything() throws {
    #expect(try LookUp(nil, of: .group).conditions.isEmpty)
  }

  @Test(
    "A filter without a look-up is refused, with what can be looked up",
    arguments: [
      (#"title eq "x""#, ResourceKind.user, "userName"), (#"userName sw "a""#, .user, "userName"),
      (#"userName eq "a" or userName eq "b""#, .user, "userName"), ("active eq true", .user, "userName"),
      ("externalId eq null", .user, "externalId"), (#"userName eq "a""#, .group, "displayName"),
    ])
  func unanswerable(filter: String, kind: ResourceKind, mention: String) throws {
    let parsed = try Filter(parsing: filter)
    let refusal = #expect(throws: Refusal.self) { try LookUp(parsed, of: kind) }
    #expect(refusal?.error.status == 400)
    #expect(refusal?.error.scimType == .invalidFilter)
    #expect(refusal?.error.detail.contains(mention) == true)
  }
}
