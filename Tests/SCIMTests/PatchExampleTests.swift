import SCIM
import Testing

/// The examples of RFC 7644 §3.5.2 with their results.
@Suite("PATCH examples of RFC 7644")
struct PatchExampleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var before: String
    var operations: String
    var after: String
    var testDescription: String { name }
  }

  private static let babs = "2819c223-7f76-453a-919d-413861904646"
  private static let james = "08e1d05d-121c-4561-8b96-473d93df9210"
  private static let workAddress =
    #"{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US"}"#
  private static let homeAddress = #"{"type":"home","streetAddress":"456 Hollywood Blvd","primary":true}"#

  @Test(
    "PATCH of a user",
    arguments: [
      Case(
        name: "add without a path (§3.5.2.1)", before: #""emails":[{"value":"bjensen@example.com","type":"work"}]"#,
        operations: #"{"op":"add","value":{"emails":[{"value":"babs@jensen.org","type":"home"}],"nickname":"Babs"}}"#,
        after: #""nickName":"Babs","emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@jensen.org","type":"home"}]"#),
      Case(
        name: "remove the email that a filter selects (§3.5.2.2)",
        before: #""emails":[{"value":"b@example.com","type":"work"},{"value":"b@example.org","type":"work"},{"value":"c@example.com"}]"#,
        operations: #"{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}"#,
        after: #""emails":[{"value":"b@example.org","type":"work"},{"value":"c@example.com"}]"#),
      Case(
        name: "remove the last value: the attribute is unassigned (§3.5.2.2)",
        before: #""emails":[{"value":"b@example.com","type":"work"}]"#,
        operations: #"{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}"#, after: ""),
      Case(
        name: "replace the work address (§3.5.2.3)", before: #""addresses":[\#(workAddress),\#(homeAddress)]"#,
        operations: #"""
          {"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","streetAddress":"911 Universal City Plaza",
          "locality":"Hollywood","region":"CA","postalCode":"91608","country":"US",
          "formatted":"911 Universal City Plaza\nHollywood, CA 91608 US","primary":true}}
          """#,
        after: #"""
          "addresses":[{"type":"work","streetAddress":"911 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608",
          "country":"US","formatted":"911 Universal City Plaza\nHollywood, CA 91608 US","primary":true},
          {"type":"home","streetAddress":"456 Hollywood Blvd","primary":false}]
          """#),
      Case(
        name: "replace one part of the work address (§3.5.2.3)", before: #""addresses":[\#(workAddress),\#(homeAddress)]"#,
        operations: #"{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"1010 Broadway Ave"}"#,
        after: #"""
          "addresses":[{"type":"work","streetAddress":"1010 Broadway Ave","locality":"Hollywood","region":"CA","postalCode":"91608",
          "country":"US"},\#(homeAddress)]
          """#),
      Case(
        name: "replace all of several attributes (§3.5.2.3)", before: #""nickName":"Barb","emails":[{"value":"old@example.com"}]"#,
        operations: #"""
          {"op":"replace","value":{"emails":[{"value":"bjensen@example.com","type":"work","primary":true},
          {"value":"babs@jensen.org","type":"home"}],"nickname":"Babs"}}
          """#,
        after: #"""
          "nickName":"Babs","emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]
          """#),
    ])
  func users(example: Case) throws {
    let changed = try Sample.patch(example.operations).applied(to: Sample.user(example.before), schemas: Sample.schemas)
    #expect(changed.attributes == (try Sample.user(example.after)).attributes)
  }

  @Test(
    "PATCH of a group results in edits of members",
    arguments: [
      (
        #"{"op":"add","path":"members","value":[{"display":"Babs Jensen","$ref":"https://example.com/v2/Users/\#(babs)","value":"\#(babs)"}]}"#,
        [MembershipEdit.add([babs])]
      ),
      (#"{"op":"remove","path":"members[value eq \"\#(babs)\"]"}"#, [.remove([babs])]),
      (#"{"op":"remove","path":"members"}"#, [.removeAll]),
      (
        #"""
        {"op":"remove","path":"members[value eq \"\#(babs)\"]"},
        {"op":"add","path":"members","value":[{"display":"James Smith","$ref":"https://example.com/v2/Users/\#(james)","value":"\#(james)"}]}
        """#, [.remove([babs]), .add([james])]
      ),
      (
        #"""
        {"op":"replace","path":"members","value":[{"display":"Babs Jensen","$ref":"https://example.com/v2/Users/\#(babs)","value":"\#(babs)"},
        {"display":"James Smith","$ref":"https://example.com/v2/Users/\#(james)","value":"\#(james)"}]}
        """#, [.replace([babs, james])]
      ),
    ])
  func groups(operations: String, expected: [MembershipEdit]) throws {
    #expect(try Sample.patch(operations).applied(to: Sample.group(), schemas: Sample.schemas).memberEdits == expected)
  }

  @Test(
    "The paths of figures 7 to 9 are parsed",
    arguments: [
      "members", "name.familyName", #"addresses[type eq "work"]"#, #"members[value eq "\#(babs)"]"#,
      #"members[value eq "\#(babs)"].displayName"#,
    ])
  func paths(text: String) throws {
    #expect("\(try PatchPath(parsing: text))" == text)
  }
}
