import TestSupport
import Testing

@testable import SCIM

@Suite("Step budget of a request")
struct StepBudgetTests {
  @Test("A PATCH whose operations examine too many values is rejected with tooMany and the limit")
  func patch() throws {
    let user = try Sample.user(Self.emails(1000))
    let operations = (0..<1000).map { #"{"op":"replace","path":"emails[value eq \"u\#($0)@example.com\"].display","value":"x"}"# }
    let patch = try Sample.patch(operations.joined(separator: ","))
    let error = try #require(refusal { _ = try patch.applied(to: user, schemas: Sample.schemas) })
    #expect(error.status == 400)
    #expect(error.scimType == .tooMany)
    #expect(error.detail.contains("\(StepBudget.maximum)"))
  }

  @Test("Requests of identity providers are far below the limit")
  func legitimate() throws {
    var user = try Sample.user(Self.emails(20))
    let operations = (0..<20).map { #"{"op":"replace","path":"emails[value eq \"u\#($0)@example.com\"].display","value":"x\#($0)"}"# }
    let patch = try Sample.patch(operations.joined(separator: ","))
    var application = PatchApplication(user.attributes, schema: Sample.schemas.user, budget: StepBudget(StepBudget.maximum / 100))
    for operation in patch.operations { try application.apply(operation) }
    user = try patch.applied(to: user, schemas: Sample.schemas)
    #expect(user.attributes["emails"]?.array?.map { $0.object?["display"]?.string } == (0..<20).map { "x\($0)" })
  }

  @Test("A filter with many alternatives takes one lookup per value, and a list of members takes no steps")
  func alternatives() throws {
    let user = try Sample.user(Self.emails(1000))
    let terms = (0..<500).map { #"value eq \"u\#($0)@example.com\""# }.joined(separator: " or ")
    let removal = try Sample.patch(#"{"op":"remove","path":"emails[\#(terms)]"}"#)
    #expect(try removal.applied(to: user, schemas: Sample.schemas).emails.count == 500)
    let members = (0..<100_000).map { #"{"value":"member-\#($0)","display":"Member number \#($0) of the group"}"# }
    let addition = try Sample.patch(#"{"op":"add","path":"members","value":[\#(members.joined(separator: ","))]}"#)
    try addition.checkSteps()
    #expect(try addition.applied(to: Sample.group(), schemas: Sample.schemas).memberEdits.count == 1)
  }

  @Test("An operation without a path that has a million attributes is rejected early")
  func names() throws {
    let attributes = (0..<StepBudget.maximum).map { #""a\#($0)":1"# }.joined(separator: ",")
    let patch = try Sample.patch(#"{"op":"add","value":{\#(attributes)}}"#)
    #expect(refusal { try patch.checkSteps() }?.scimType == .tooMany)
    #expect(refusal { _ = try patch.applied(to: Sample.user(), schemas: Sample.schemas) }?.scimType == .tooMany)
  }

  @Test("A compiled filter selects the same values as its separate comparisons", arguments: 0..<20)
  func selection(part: Int) throws {
    let emails = try #require(Sample.schemas.user.attribute(named: "emails"))
    for seed in part * 50..<(part + 1) * 50 {
      var random = SeededGenerator(case: seed)
      let terms = (0..<12).map { _ in
        let name = random.one(of: ["value", "type", "display", "primary"])
        let text = random.one(of: ["a", "A", "b", "é", "e\u{301}", " a", "work", ""])
        return name == "primary" ? "primary eq true" : "\(name) eq \"\(text)\""
      }
      let joined = try #require(try PatchPath(parsing: "emails[\(terms.joined(separator: " or "))]").filter)
      let single = try terms.map { try #require(try PatchPath(parsing: "emails[\($0)]").filter) }
      for text in ["a", "A", "b", "é", "e\u{301}", " a", "c"] {
        let value: JSON = ["value": .string(text), "type": .string(random.one(of: ["work", "home"])), "primary": .bool(seed % 2 == 0)]
        let expected = single.contains { ValueSelector($0, of: emails).selects(value) }
        #expect(ValueSelector(joined, of: emails).selects(value) == expected, "seed \(seed): \(terms)")
      }
    }
  }

  @Test("The comparison and renaming of large objects use lookups, and ignore the order of keys")
  func objects() throws {
    let members = (0..<2000).map { JSONObject.Member(key: "k\($0)", value: .integer(Int64($0))) }
    let object = JSONObject(uncheckedMembers: members)
    #expect(object == JSONObject(uncheckedMembers: members.reversed()))
    #expect(object != JSONObject(uncheckedMembers: members.dropLast() + [JSONObject.Member(key: "k", value: 1)]))
    let renamed = try #require(object.renamingKeys { $0 == "k7" ? "seven" : $0 == "k8" ? "k9" : nil })
    #expect(renamed["seven"] == 7)
    #expect(renamed["k8"] == 8)
    #expect(renamed.count == 2000)
  }

  private static func emails(_ count: Int) -> String {
    #""emails":[\#((0..<count).map { #"{"value":"u\#($0)@example.com"}"# }.joined(separator: ","))]"#
  }
}
