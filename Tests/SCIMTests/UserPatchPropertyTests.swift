import TestSupport
import Testing

@testable import SCIM

@Suite("Random PATCHes of a user")
struct UserPatchPropertyTests {
  @Test("leave a user valid, canonical and with at most one primary value, and are idempotent", arguments: 0..<20)
  func invariants(part: Int) throws {
    var applied = 0
    for seed in part * 500..<(part + 1) * 500 {
      var random = SeededGenerator(case: seed)
      var user = try Sample.user(
        #""emails":[{"value":"a","type":"work","primary":true},{"value":"b"}],"name":{"givenName":"c"},"active":true"#)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let sent = try Sample.patchMessage(Self.operation(&random))
        let patch = try Patch(Normaliser(profile: .okta, userAgent: nil).userPatch(sent))
        guard let changed = try result(of: patch, on: user) else { continue }
        applied += 1
        let what = "seed \(seed): \(String(decoding: patch.json(), as: UTF8.self)) on \(text(user))"
        try check(changed, what)
        // An operation that changes the sub-attribute of its filter selects other values the second time.
        if !Self.changesFilteredSubAttribute(patch), let again = try result(of: patch, on: changed) {
          try #require(text(again) == text(changed), "\(what)")
        }
        user = changed
      }
    }
    #expect(applied > 700)
  }

  private func text(_ user: UserDocument) -> String { String(decoding: user.json(), as: UTF8.self) }

  private static func changesFilteredSubAttribute(_ patch: Patch) -> Bool {
    patch.operations.contains { operation in
      guard operation.kind != .remove, let path = operation.path, path.filter != nil else { return false }
      return path.attribute.subAttribute.map { $0 == "type" } ?? (operation.value?.object?["type"] != nil)
    }
  }

  private func check(_ user: UserDocument, _ what: String) throws {
    let read = try UserDocument(JSON(parsing: user.json()), schemas: Sample.schemas)
    try #require(text(read) == text(user), "\(what)")
    for member in user.attributes {
      guard let values = member.value.array else { continue }
      try #require(values.count { $0.object?["primary"] == true } <= 1, "\(what)")
      try #require(Set(values).count == values.count, "\(what)")
    }
    let hasExtension = user.attributes[Sample.enterprise] != nil
    try #require(user.attributes["schemas"]?.array?.contains(.string(Sample.enterprise)) == hasExtension, "\(what)")
  }

  private func result(of patch: Patch, on user: UserDocument) throws -> UserDocument? {
    do throws(SCIMError) {
      return try patch.applied(to: user, schemas: Sample.schemas)
    } catch {
      try #require(error.status == 400 && error.scimType != nil, "\(error)")
      return nil
    }
  }

  private static func operation(_ random: inout SeededGenerator) -> String {
    let op = random.one(of: ["add", "replace"])
    let plural = random.one(of: ["emails", "phoneNumbers", "addresses", "roles", "photos"])
    let part = random.one(of: plural == "addresses" ? ["streetAddress", "type", "primary"] : ["value", "type", "display", "primary"])
    let type = random.one(of: ["work", "home"])
    switch Int.random(in: 0..<10, using: &random) {
    case 0:
      let name = random.one(of: ["title", "displayName", "name.familyName", "name", "userName", "\(Sample.enterprise):department"])
      let value = name == "name" ? #"{"givenName":\#(text(&random)),"middleName":\#(text(&random))}"# : text(&random)
      return #"{"op":"\#(op)","path":"\#(name)","value":\#(value)}"#
    case 1: return #"{"op":"\#(op)","value":{"title":\#(text(&random)),"\#(plural)":[\#(values(of: plural, &random))]}}"#
    case 2, 3: return #"{"op":"\#(op)","path":"\#(plural)","value":[\#(values(of: plural, &random))]}"#
    case 4: return #"{"op":"\#(op)","path":"\#(plural)[type eq \"\#(type)\"]","value":\#(value(of: plural, &random))}"#
    case 5, 6: return #"{"op":"\#(op)","path":"\#(plural)[type eq \"\#(type)\"].\#(part)","value":\#(value(ofPart: part, &random))}"#
    case 7: return #"{"op":"\#(op)","path":"\#(plural).\#(part)","value":\#(value(ofPart: part, &random))}"#
    case 8:
      let target = random.one(of: ["\(plural)[type eq \\\"\(type)\\\"]", "\(plural).\(part)", plural, "title", "name", Sample.enterprise])
      return #"{"op":"remove","path":"\#(target)"}"#
    default:
      return random.one(of: [
        #"{"op":"\#(op)","path":"\#(Sample.enterprise):manager","value":{"value":"\#(type)"}}"#,
        #"{"op":"\#(op)","value":{"\#(Sample.enterprise)":{"division":\#(text(&random))}}}"#, #"{"op":"remove","path":"userName"}"#,
        #"{"op":"\#(op)","path":"active","value":"yes"}"#, #"{"op":"\#(op)","path":"meta","value":{}}"#,
        #"{"op":"replace","path":"\#(plural)","value":\#(text(&random))}"#, #"{"op":"\#(op)","path":"\#(plural).nope","value":"x"}"#,
        #"{"op":"remove","path":"\#(plural)","value":[\#(value(of: plural, &random))]}"#,
        #"{"op":"remove","path":"\#(plural)[type eq \"\#(type)\"].\#(part)","value":\#(value(ofPart: part, &random))}"#,
        #"{"op":"replace","path":"\#(plural)[type eq \"\#(type)\"]","value":\#(text(&random))}"#, #"{"op":"remove","path":"active"}"#,
      ])
    }
  }

  private static func text(_ random: inout SeededGenerator) -> String { random.one(of: [#""x""#, #""y""#, #""z""#, "null"]) }

  private static func values(of plural: String, _ random: inout SeededGenerator) -> String {
    (0..<Int.random(in: 0...3, using: &random)).map { _ in value(of: plural, &random) }.joined(separator: ",")
  }

  private static func value(of plural: String, _ random: inout SeededGenerator) -> String {
    let key = plural == "addresses" ? "streetAddress" : "value"
    var parts = [#""\#(key)":"\#(random.one(of: ["a", "b", "c"]))""#]
    if Bool.random(using: &random) { parts.append(#""type":"\#(random.one(of: ["work", "home"]))""#) }
    if random.happens(oneIn: 3) { parts.append(#""primary":\#(Bool.random(using: &random))"#) }
    return "{\(parts.joined(separator: ","))}"
  }

  private static func value(ofPart part: String, _ random: inout SeededGenerator) -> String {
    switch part {
    case "primary": random.one(of: ["true", "false", "null"])
    case "type": random.one(of: [#""work""#, #""home""#])
    default: text(&random)
    }
  }
}
