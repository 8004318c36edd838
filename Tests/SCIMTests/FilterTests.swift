import SCIM
import Testing

@Suite("Filters")
struct FilterTests {
  @Test(
    "A filter is parsed and serialised (RFC 7644 figure 2)",
    arguments: [
      (#"userName Eq "bjensen""#, #"userName eq "bjensen""#),
      (#"name.familyName co "O'Malley""#, #"name.familyName co "O'Malley""#),
      (
        #"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        #"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#
      ),
      ("title pr", "title pr"),
      (#"title pr and userType eq "Employee""#, #"title pr and userType eq "Employee""#),
      (
        #"userType eq "Employee" and (emails co "a" or emails.value co "b")"#,
        #"userType eq "Employee" and (emails co "a" or emails.value co "b")"#
      ),
      (#"emails[type eq "work" and value co "@example.com"]"#, #"emails[type eq "work" and value co "@example.com"]"#),
      (#"emails[type eq "work"].value eq "x""#, #"emails[type eq "work" and value eq "x"]"#),
      (#"not (active eq true)"#, #"not (active eq true)"#),
    ])
  func reading(text: String, canonical: String) throws {
    let filter = try Filter(parsing: text)
    #expect("\(filter)" == canonical)
    #expect(try Filter(parsing: "\(filter)") == filter)
  }

  @Test(
    "An invalid filter is rejected with invalidFilter",
    arguments: [
      "", "userName", #"userName eq"#, #"userName equals "x""#, #"(userName eq "x""#, #"userName eq "x" and"#, #"emails[type eq "w""#, "🙂",
    ])
  func refused(text: String) {
    #expect(refusal { _ = try Filter(parsing: text) }?.scimType == .invalidFilter)
  }

  @Test(
    "A filter matches a resource by the schema's rules",
    arguments: [
      (#"userName eq "ANA@example.com""#, true),
      (#"externalId eq "ABC""#, false),
      (#"externalId eq "abc""#, true),
      (#"emails.value eq "ana@work.example""#, true),
      (#"emails eq "ana@work.example""#, true),
      (#"emails[type eq "home" and value eq "ana@work.example"]"#, false),
      (#"emails[type eq "work" and value eq "ana@work.example"]"#, true),
      ("title pr", false),
      ("not (title pr)", true),
      (#"name.familyName sw "Lo" and active eq true"#, true),
      (#"\#(Sample.enterprise):department eq "Data""#, true),
    ])
  func matching(text: String, expected: Bool) throws {
    let user = try Sample.user(
      #"""
      "externalId":"abc","active":true,"name":{"familyName":"López"},
      "emails":[{"value":"ana@work.example","type":"work"},{"value":"ana@home.example","type":"home"}],
      "\#(Sample.enterprise)":{"department":"data"}
      """#)
    let text = text.replacing("sw \"Lo\"", with: "sw \"Ló\"")
    #expect(try Filter(parsing: text).typed(for: Sample.schemas.user).matches(user.attributes) == expected)
  }
}
