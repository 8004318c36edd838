import Testing

@testable import SCIM

@Suite("The bounds of resources")
struct ResourceBoundsTests {
  /// An attribute with a text of so many bytes, and its bound.
  static let texts: [(attribute: @Sendable (Int) -> String, bound: Int)] = [
    ({ #""externalId":"\#(letters($0))""# }, 1024), ({ #""emails":[{"value":"\#(letters($0))"}]"# }, 1024),
    ({ #""title":"\#(letters($0))""# }, 8192),
    ({ #""displayName":"\#(letters($0))""# }, 8192), ({ #""name":{"givenName":"\#(letters($0))"}"# }, 8192),
    ({ #""emails":[{"value":"a@example.com","display":"\#(letters($0))"}]"# }, 8192),
    ({ #""\#(Sample.enterprise)":{"department":"\#(letters($0))"}"# }, 8192),
    ({ #""\#(Sample.enterprise)":{"manager":{"value":"\#(letters($0))"}}"# }, 8192),
    ({ #""photos":[{"value":"\#(letters($0))"}]"# }, 256 << 10),
    ({ #""x509Certificates":[{"value":"\#(letters($0))"}]"# }, 256 << 10),
  ]

  @Test("A text of the maximum size is valid; one more byte is rejected with the bound", arguments: texts.indices)
  func text(index: Int) throws {
    let (attribute, bound) = Self.texts[index]
    // Base64 comes in fours.
    try Sample.user(attribute(bound)).checkBounds(schemas: Sample.schemas)
    let error = try #require(refusal { try Sample.user(attribute(bound + 4)).checkBounds(schemas: Sample.schemas) })
    #expect(error.status == 400)
    #expect(error.scimType == .invalidValue)
    #expect(error.detail.contains("at most \(bound) bytes"), "\(error.detail)")
  }

  @Test("A userName and the name of a group have the bound of names, and so has what they are compared by")
  func names() throws {
    // In NFC this character is three, twelve bytes for its four.
    for name in [letters(1025), String(repeating: "\u{1D160}", count: 250)] {
      let user = try UserDocument(
        Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\#(name)"}"#), schemas: Sample.schemas)
      #expect(refusal { try user.checkBounds(schemas: Sample.schemas) }?.detail.contains("userName") == true)
      let group = try GroupDocument(
        Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)"}"#), schemas: Sample.schemas)
      #expect(refusal { try group.checkBounds(schemas: Sample.schemas) }?.detail.contains("displayName") == true)
    }
  }

  @Test("An attribute has a thousand values, and a user 512 kB, at most; a group may have any number of members")
  func counts() throws {
    try Sample.user(Self.emails(1000)).checkBounds(schemas: Sample.schemas)
    let values = try #require(refusal { try Sample.user(Self.emails(1001)).checkBounds(schemas: Sample.schemas) })
    #expect(values.detail.contains("1001 values") && values.detail.contains("1000"), "\(values.detail)")
    let photos = (0..<3).map { #"{"value":"\#(letters(200_000))\#($0)"}"# }.joined(separator: ",")
    let size = try #require(refusal { try Sample.user(#""photos":[\#(photos)]"#).checkBounds(schemas: Sample.schemas) })
    #expect(size.detail.contains("512 kB"), "\(size.detail)")
    let members = (0..<2000).map { #"{"value":"m\#($0)"}"# }.joined(separator: ",")
    try Sample.group(#""members":[\#(members)]"#).checkBounds(schemas: Sample.schemas)
  }

  @Test("Read-only attributes are dropped before the bounds are checked")
  func readOnly() throws {
    let groups = (0..<2000).map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    try Sample.user(#""groups":[\#(groups)],"password":"\#(letters(20_000))""#).checkBounds(schemas: Sample.schemas)
  }

  @Test("Stored values are valid unchanged, moved or in a smaller resource; new ones are not")
  func stored() throws {
    let long = letters(9000)
    let stored = try Sample.user(#""title":"\#(long)",\#(Self.emails(1200)),"active":true"#).openDocument(id: "7", created: "x")
    func check(_ attributes: String) -> SCIMError? {
      refusal { try Sample.user(attributes).checkBounds(replacing: stored, schemas: Sample.schemas) }
    }
    #expect(check(#""title":"\#(long)",\#(Self.emails(1200)),"active":false"#) == nil)
    #expect(check(#""title":"\#(long)",\#(Self.emails(1100))"#) == nil)
    #expect(check(Self.emails(1200)) == nil)
    #expect(check(#""title":"\#(long)x""#)?.detail.contains("title") == true)
    #expect(check(#""nickName":"\#(long)""#)?.detail.contains("nickName") == true)
    #expect(check(Self.emails(1201))?.detail.contains("emails") == true)
  }

  private static func emails(_ count: Int) -> String {
    #""emails":[\#((0..<count).map { #"{"value":"u\#($0)@example.com"}"# }.joined(separator: ","))]"#
  }
}

/// So many letters.
private func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
