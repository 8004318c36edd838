import SCIM
import Testing

@Suite("Filters against a schema (RFC 7644 §3.4.2.2)")
struct TypedFilterTests {
  /// The users as JSON, as clients send them.
  private static let users = [
    #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"id":"1",
    "userName":"bjensen","name":{"familyName":"O'Malley","givenName":"Barbara"},"title":"Tour Guide","userType":"Employee","active":true,
    "emails":[{"value":"barbara@example.com","type":"work"},{"value":"babs@example.org","type":"home"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","manager":{"value":"3","displayName":"Jo"}},
    "groups":[{"value":"g1","display":"Tour guides"}],"profileUrl":"https://example.com/Babs",
    "meta":{"resourceType":"User","created":"2010-01-23T04:56:22.000Z","lastModified":"2011-05-13T04:42:34.000Z"}}
    """#,
    #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"2","userName":"James","name":{"familyName":"Smith"},"userType":"Intern",
    "active":false,"ims":[{"value":"james@foo.com","type":"xmpp"}],"emails":[{"value":"james@example.net","type":"work"}],
    "meta":{"resourceType":"User","created":"2012-01-01T00:00:00.000Z","lastModified":"2012-02-01T01:00:00.000Z"}}
    """#,
    #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"3","userName":"jo","nickName":"","title":"Boss","userType":"Employee",
    "active":true,"meta":{"resourceType":"User","created":"2009-01-01T00:00:00.000Z","lastModified":"2009-12-31T23:59:59.999Z"}}
    """#,
  ]

  @Test(
    "The examples of RFC 7644 figure 2 select the expected resources",
    arguments: [
      (#"userName Eq "bjensen""#, [1]), (#"name.familyName co "O'Malley""#, [1]), (#"userName sw "J""#, [2, 3]),
      (#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, [2, 3]), ("title pr", [1, 3]),
      (#"meta.lastModified gt "2011-05-13T04:42:34Z""#, [2]), (#"meta.lastModified ge "2011-05-13T04:42:34Z""#, [1, 2]),
      (#"meta.lastModified lt "2011-05-13T04:42:34Z""#, [3]), (#"meta.lastModified le "2011-05-13T04:42:34Z""#, [1, 3]),
      (#"title pr and userType eq "Employee""#, [1, 3]), (#"title pr or userType eq "Intern""#, [1, 2, 3]),
      (#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, [1]),
      (#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, [1]),
      (#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, [2]),
      (#"userType eq "Employee" and (emails.type eq "work")"#, [1]),
      (#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#, [1]),
      (#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, [1, 2]),
    ])
  func examples(filter: String, expected: [Int]) throws { #expect(try matches(filter) == expected) }

  @Test(
    "Precedence, grouping, case, dates, null and unknown attributes",
    arguments: [
      // `and` binds closer than `or`, `not` closer than both.
      (#"userName eq "jo" or userName eq "James" and active eq true"#, [3]),
      (#"(userName eq "jo" or userName eq "James") and active eq true"#, [3]),
      (#"not (userName eq "jo") and active eq true"#, [1]), (#"NOT (title PR) OR userName EQ "JO""#, [2, 3]),
      (#"not (not (title pr))"#, [1, 3]),
      // The schema decides about case sensitivity.
      (#"profileUrl eq "https://example.com/babs""#, []), (#"profileUrl eq "https://example.com/Babs""#, [1]),
      (#"meta.resourceType eq "user""#, []), (#"USERNAME eq "BJENSEN""#, [1]), (#"groups.display ew "GUIDES""#, [1]),
      // Times are compared regardless of their offset from UTC.
      (#"meta.lastModified eq "2012-02-01T02:00:00+01:00""#, [2]), (#"meta.created gt "2009-12-31T19:00:00-05:00""#, [1, 2]),
      (#"meta.lastModified gt "2009-12-31T23:59:59.9995Z""#, [1, 2]),
      // Null values and absent attributes.
      ("title eq null", [2]), ("title ne null", [1, 3]), ("nickName pr", []), ("nickName eq \"\"", [3]), ("name pr", [1, 2]),
      ("emails pr", [1, 2]), ("not (emails pr)", [3]), (#"title ne "Boss""#, [1, 2]), (#"emails.type ne "home""#, [2, 3]),
      (#"emails[type ne "home"]"#, [1, 2]),
      // An attribute that the resource type does not have is treated as absent.
      ("members pr", []), (#"nonsense eq "x""#, []), (#"nonsense ne "x""#, [1, 2, 3]), ("nonsense eq null", [1, 2, 3]),
      (#"name.nonsense co "x""#, []), (#"emails[nonsense eq "x"]"#, []), (#"emails[value.deep pr]"#, []),
      (#"urn:none:User:userName pr"#, []),
      // Extensions.
      ("\(Sample.enterprise):employeeNumber eq \"701984\"", [1]), ("\(Sample.enterprise):manager eq \"3\"", [1]),
      ("\(Sample.enterprise):manager.displayName sw \"j\"", [1]), ("\(Sample.enterprise) pr", [1]),
      ("urn:ietf:params:scim:schemas:core:2.0:User pr", [1, 2, 3]),
      // A value filter followed by a sub-attribute, as Entra ID sends it.
      (#"emails[type eq "work"].value eq "james@example.net""#, [2]), (#"emails[type eq "home"].value eq "james@example.net""#, []),
      (#"emails[type eq "home"].value pr"#, [1]), (#"name[familyName eq "smith"]"#, [2]),
      (#"schemas[value ew "enterprise:2.0:User"]"#, [1]),
      (#"meta[created lt "2010-01-01T00:00:00Z"]"#, [3]),
      // Escapes are those of JSON; text is compared in its comparison order.
      (#"name.familyName eq "O\u0027Malley""#, [1]), (#"userName gt "james""#, [3]), (#"userName le "JAMES""#, [1, 2]),
      (#"userName co """#, [1, 2, 3]), ("active eq TRUE", [1, 3]),
    ])
  func semantics(filter: String, expected: [Int]) throws { #expect(try matches(filter) == expected) }

  private func matches(_ filter: String) throws -> [Int] {
    let typed = try Filter(parsing: filter).typed(for: Sample.schemas.user)
    return try Self.users.enumerated().filter { typed.matches(try Sample.json($0.element).object ?? JSONObject()) }.map { $0.offset + 1 }
  }

  @Test(
    "A value or operator that does not match an attribute's type is rejected with the path, the expected and the actual value",
    arguments: [
      ("active gt true", ["active gt true", "boolean", "eq, ne, pr", "found gt"]), ("active co true", ["active", "boolean", "found co"]),
      (#"active eq "true""#, ["active", "true or false", #"the string "true""#]),
      ("userName eq true", ["userName", "a string", "the boolean true"]),
      ("userName gt 5", ["userName", "the number 5"]),
      (#"meta.created co "2010""#, ["meta.created", "dateTime", "eq, ne, gt, ge, lt, le, pr"]),
      (#"meta.created gt "yesterday""#, ["meta.created", "2026-01-31T08:00:00Z", "yesterday"]),
      (#"x509Certificates.value gt "a""#, ["x509Certificates.value", "binary"]), (#"name eq "Smith""#, ["name", "familyName", "complex"]),
      (#"emails[primary eq "yes"]"#, ["emails.primary", "true or false"]), (#"addresses co "x""#, ["addresses", "streetAddress"]),
      ("title gt null", ["title gt null", "eq and ne"]),
      (#"\#(Sample.enterprise) eq "x""#, ["schema"]),
      (#"title pr or not (userName pr and emails[primary co "a"])"#, ["emails.primary co"]),
    ])
  func mismatches(filter: String, mentions: [String]) throws {
    let parsed = try Filter(parsing: filter)
    let error = refusal { _ = try parsed.typed(for: Sample.schemas.user) }
    #expect(error?.status == 400)
    #expect(error?.scimType == .invalidFilter)
    for mention in mentions { #expect(error?.detail.contains(mention) == true, "\(error?.detail ?? "")") }
  }

  @Test("A filter is limited in length, depth and number of comparisons")
  func limits() {
    let deep = String(repeating: "(", count: 17) + "title pr" + String(repeating: ")", count: 17)
    let many = Array(repeating: "id pr", count: 201).joined(separator: " or ")
    let long = "userName eq \"\(String(repeating: "a", count: 4096))\""
    for (filter, mention) in [(deep, "16 deep"), (many, "200 comparisons"), (long, "4096 bytes")] {
      let error = refusal { _ = try Filter(parsing: filter) }
      #expect(error?.scimType == .invalidFilter)
      #expect(error?.detail.contains(mention) == true, "\(error?.detail ?? "")")
    }
  }

  @Test(
    "Only dateTimes are parsed as times",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.0000019Z", 1), ("1969-12-31T23:59:59.5Z", -500_000),
      ("1970-01-01T01:00:00+01:00", 0), ("2000-02-29T00:00:00z", 951_782_400_000_000), ("1900-02-29T00:00:00Z", nil),
      ("2026-01-31T24:00:00Z", nil), ("2026-01-31T10:00:60Z", nil), ("2026-01-31", nil), ("2026-01-31T10:00:00", nil),
      ("2026-01-31T10:00:00.Z", nil), ("2026-13-01T10:00:00Z", nil), ("0000-01-01T10:00:00Z", nil), ("2026-01-31T10:00:00+15:00", nil),
      ("2026-01-31T10:00:00Zx", nil), ("", nil),
    ] as [(String, Int64?)])
  func instants(text: String, microseconds: Int64?) { #expect(Instant(text)?.microseconds == microseconds) }

  @Test("Numbers are compared by value, regardless of their notation")
  func numbers() throws {
    let ascending = ["-1e400", "-10", "-9.5", "-0.1", "0", "1e-400", "0.1", "0.10000000000000000001", "1", "9", "10", "1e3", "1e400"]
    let numbers = try ascending.map { try #require(DecimalNumber($0)) }
    for (index, number) in numbers.enumerated() {
      for (other, right) in numbers.enumerated() {
        #expect((number < right) == (index < other), "\(ascending[index]), \(ascending[other])")
      }
    }
    for (left, right) in [("1", "1.0"), ("10", "1e1"), ("0", "-0.0e5"), ("100", "1.00E+2"), ("0.01", "1e-2")] {
      #expect(DecimalNumber(left) == DecimalNumber(right))
    }
  }
}
